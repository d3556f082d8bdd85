import { anomaly, assembly, diagnosis, remediation } from "../api";
import type { Service } from "../gen/triflow/assembly/v1/assembly_pb";
import { HealthState, type Incident, IncidentState, type ServiceState } from "../gen/triflow/diagnosis/v1/diagnosis_pb";
import { ChangeKind } from "../gen/triflow/gateway/v1/gateway_pb";
import { RemediationState } from "../gen/triflow/remediation/v1/remediation_pb";
import { useLoad } from "../load";
import { formatCount, formatRate, formatShare } from "../model/number";
import { type Line, line } from "../model/series";
import { duration, durationMillis, formatDuration, millis, timestamp } from "../model/time";
import { causeWords, count, healthWords, nodeWords } from "../model/words";
import { Sparkline } from "../parts/chart";
import { Ago, Figure, Page, Section } from "../parts/page";
import { Show } from "../parts/states";
import { Confidence, Mark, Status } from "../parts/status";
import { Table } from "../parts/table";
import { GraphSection } from "./map";
import { HowToSend } from "./sending";
import { useWindow, WindowChoice } from "./window";

const refresh = { on: ChangeKind.INCIDENT, every: 5000 };
const sparkMillis = 20 * 60_000;

/** Every service with its state, what is wrong now, and what waits for a person. */
export function OverviewPage() {
  const windowMillis = useWindow();
  const services = useLoad(
    `services ${windowMillis}`,
    async (signal) => {
      const [listed, states] = await Promise.all([
        assembly.listServices({ window: duration(windowMillis) }, { signal }),
        diagnosis.listServiceStates({}, { signal }),
      ]);
      return join(listed.services, states.states);
    },
    refresh,
  );
  const lines = useLoad("overview lines", readLines, { every: 10_000 });
  return (
    <Page title="Overview" actions={<WindowChoice />}>
      <Open />
      <Figures services={services.data} />
      <Section title="Services" flush note={services.data && count(services.data.length, "node")}>
        <Show of={services} rows={8}>
          {(rows) => (rows.length === 0 ? <HowToSend /> : <Services rows={rows} lines={lines.data} />)}
        </Show>
      </Section>
      <GraphSection />
    </Page>
  );
}

interface Row {
  service: Service;
  state: ServiceState | undefined;
}

/** Worst first, then by name: what matters is on the first screen. */
function join(services: Service[], states: ServiceState[]): Row[] {
  const byName = new Map(states.map((s) => [s.service, s]));
  const rows = services.map((service) => ({ service, state: byName.get(service.name) }));
  return rows.sort(
    (a, b) => (b.state?.state ?? 0) - (a.state?.state ?? 0) || (a.service.name < b.service.name ? -1 : 1),
  );
}

/** The request rate and the slow tenth of every service, by service. */
async function readLines(signal: AbortSignal): Promise<Map<string, { rate?: Line; slow?: Line }>> {
  const startTime = timestamp(Date.now() - sparkMillis);
  const [rates, latencies] = await Promise.all([
    anomaly.querySeries({ name: "service.request.rate", startTime }, { signal }),
    anomaly.querySeries({ name: "service.latency.p90", startTime }, { signal }),
  ]);
  const out = new Map<string, { rate?: Line; slow?: Line }>();
  for (const s of rates.series) out.set(s.series?.labels.service ?? "", { rate: line(s) });
  for (const s of latencies.series) {
    const name = s.series?.labels.service ?? "";
    out.set(name, { ...out.get(name), slow: line(s) });
  }
  return out;
}

function Open() {
  const incidents = useLoad(
    "overview incidents",
    (signal) => diagnosis.listIncidents({ state: IncidentState.OPEN, pageSize: 5 }, { signal }),
    { on: ChangeKind.INCIDENT },
  );
  const plans = useLoad(
    "overview plans",
    (signal) => remediation.listRemediations({ state: RemediationState.PROPOSED, pageSize: 50 }, { signal }),
    { on: ChangeKind.REMEDIATION },
  );
  const waiting = new Map((plans.data?.remediations ?? []).map((r) => [r.incidentId, r.id]));
  return (
    <Show of={incidents} rows={2}>
      {({ incidents }) =>
        incidents.length === 0 ? (
          <p class="calm">
            <Mark tone="good" /> No open incident
          </p>
        ) : (
          <div class="alerts">
            {incidents.map((i) => (
              <IncidentCard key={i.id} incident={i} plan={waiting.get(i.id)} />
            ))}
          </div>
        )
      }
    </Show>
  );
}

function IncidentCard({ incident, plan }: { incident: Incident; plan: string | undefined }) {
  const cause = incident.causes[0];
  return (
    <article class="alert-card">
      <Mark tone="bad" />
      <div class="alert-main">
        <h2>
          <a data-row class="row-link" href={`/incidents/${incident.id}`}>
            {incident.title}
          </a>
        </h2>
        <p class="alert-note">
          Open since <Ago ms={millis(incident.startTime)} /> · {count(incident.services.length, "service")} affected
        </p>
      </div>
      {cause && (
        <div class="alert-cause">
          <span class="alert-label">Most probable cause</span>
          <span>
            <strong>{cause.service}</strong> <span class="dim">{causeWords[cause.kind][0].toLowerCase()}</span>
          </span>
        </div>
      )}
      {cause && <Confidence value={cause.confidence} />}
      {plan && (
        <a class="button is-primary alert-action" href={`/remediations/${plan}`}>
          Review plan
        </a>
      )}
    </article>
  );
}

function Figures({ services }: { services: Row[] | undefined }) {
  const ledger = useLoad("overview ledger", (signal) => assembly.getLedger({}, { signal }), { every: 5000 });
  const tally = (state: HealthState) => services?.filter((r) => (r.state?.state ?? 0) === state).length ?? 0;
  const rate = services?.reduce((sum, r) => sum + (r.service.red?.rate ?? 0), 0);
  const l = ledger.data;
  const dropped = l?.dropped.reduce((sum, d) => sum + d.spans, 0n);
  return (
    <dl class="figures">
      <Figure
        label="Services"
        note={
          services && (
            <span class="tally">
              {[HealthState.FAILING, HealthState.DEGRADED, HealthState.HEALTHY].map((s) => (
                <span key={s} title={healthWords[s][1]}>
                  <Mark tone={healthWords[s][0]} />
                  {tally(s)}
                  <span class="sr"> {healthWords[s][1]}</span>
                </span>
              ))}
            </span>
          )
        }
      >
        {services ? services.length : "–"}
      </Figure>
      <Figure label="Requests" note="over all services">
        {rate === undefined ? "–" : formatRate(rate)}
      </Figure>
      <Figure label="Traces kept" note={l ? `of ${formatCount(l.tracesKept + l.tracesDropped)} decided` : undefined}>
        {l ? formatCount(l.tracesKept) : "–"}
      </Figure>
      <Figure label="Traces open" note={l ? `${formatCount(l.pending)} spans pending` : undefined}>
        {l ? formatCount(l.tracesOpen) : "–"}
      </Figure>
      <Figure label="Spans received" note={l ? `${formatCount(dropped ?? 0n)} sampled out` : undefined}>
        {l ? formatCount(l.received) : "–"}
      </Figure>
    </dl>
  );
}

function Services({ rows, lines }: { rows: Row[]; lines: Map<string, { rate?: Line; slow?: Line }> | undefined }) {
  return (
    <Table
      label="Services"
      rows={rows}
      id={(r) => r.service.name}
      href={(r) => `/services/${encodeURIComponent(r.service.name)}`}
      columns={[
        { title: "Service", width: "17%", cell: (r) => <strong class="name">{r.service.name}</strong> },
        { title: "State", width: "112px", cell: (r) => <Health state={r.state} /> },
        { title: "Kind", width: "84px", wide: true, cell: (r) => <span class="dim">{nodeWords[r.service.kind]}</span> },
        { title: "Rate", right: true, width: "76px", cell: (r) => formatRate(r.service.red?.rate ?? Number.NaN) },
        {
          title: "Load",
          width: "116px",
          wide: true,
          cell: (r) => <Sparkline line={lines?.get(r.service.name)?.rate} />,
        },
        { title: "Errors", right: true, width: "72px", cell: (r) => <ErrorShare value={r.service.red?.errorRatio} /> },
        { title: "p90", right: true, width: "78px", cell: (r) => formatDuration(durationMillis(r.service.red?.p90)) },
        {
          title: "p99",
          right: true,
          width: "78px",
          wide: true,
          cell: (r) => formatDuration(durationMillis(r.service.red?.p99)),
        },
        {
          title: "p90 trend",
          width: "116px",
          wide: true,
          cell: (r) => <Sparkline line={lines?.get(r.service.name)?.slow} tone={healthTone(r.state)} />,
        },
        { title: "Why", cell: (r) => <span class="clip dim">{r.state?.reason}</span>, wide: true },
      ]}
    />
  );
}

function Health({ state }: { state: ServiceState | undefined }) {
  const [tone, word] = healthWords[state?.state ?? HealthState.UNSPECIFIED];
  return <Status tone={tone}>{word}</Status>;
}

function healthTone(state: ServiceState | undefined): string {
  return `tone-${healthWords[state?.state ?? HealthState.UNSPECIFIED][0]}`;
}

function ErrorShare({ value }: { value: number | undefined }) {
  if (value === undefined) return <>–</>;
  return <span class={value === 0 ? "dim" : value >= 0.05 ? "tone-bad strong" : undefined}>{formatShare(value)}</span>;
}
