import { anomaly, assembly, diagnosis } from "../api";
import type { Edge, GetServiceResponse, Operation, Red } from "../gen/triflow/assembly/v1/assembly_pb";
import { HealthState } from "../gen/triflow/diagnosis/v1/diagnosis_pb";
import { ChangeKind } from "../gen/triflow/gateway/v1/gateway_pb";
import { useLoad } from "../load";
import { formatRate, formatShare } from "../model/number";
import { line, seriesWords } from "../model/series";
import { duration, durationMillis, formatDuration, millis, timestamp } from "../model/time";
import { healthWords, nodeWords } from "../model/words";
import { Chart } from "../parts/chart";
import { Ago, Figure, Page, Section } from "../parts/page";
import { Empty, Show } from "../parts/states";
import { Status } from "../parts/status";
import { Table } from "../parts/table";
import { href } from "../router";
import { useWindow, WindowChoice } from "./window";

const charted = ["service.request.rate", "service.error.ratio", "service.latency.p90"];

/** One service: its figures, its operations, whom it serves and whom it needs. */
export function ServicePage({ name }: { name: string }) {
  const windowMillis = useWindow();
  const loaded = useLoad(
    `service ${name} ${windowMillis}`,
    (signal) => assembly.getService({ service: name, window: duration(windowMillis) }, { signal }),
    { every: 5000 },
  );
  return (
    <Page title={name} crumb={{ href: "/", label: "Services" }} actions={<WindowChoice />}>
      <State name={name} />
      <Show of={loaded}>{(data) => <Content name={name} data={data} />}</Show>
    </Page>
  );
}

function State({ name }: { name: string }) {
  const states = useLoad("service states", (signal) => diagnosis.listServiceStates({}, { signal }), {
    on: ChangeKind.INCIDENT,
    every: 10_000,
  });
  const state = states.data?.states.find((s) => s.service === name);
  const [tone, word] = healthWords[state?.state ?? HealthState.UNSPECIFIED];
  return (
    <p class="state-line">
      <Status tone={tone} soft>
        {word}
      </Status>
      {state?.reason && <span>{state.reason}</span>}
      {state?.incidentId && <a href={`/incidents/${state.incidentId}`}>Open incident</a>}
    </p>
  );
}

function Content({ name, data }: { name: string; data: GetServiceResponse }) {
  const red = data.service?.red;
  return (
    <>
      <dl class="figures">
        <Figure label="Kind">{nodeWords[data.service?.kind ?? 0]}</Figure>
        <Figure label="Rate">{formatRate(red?.rate ?? Number.NaN)}</Figure>
        <Figure label="Errors">{formatShare(red?.errorRatio ?? Number.NaN)}</Figure>
        <Figure label="p50">{formatDuration(durationMillis(red?.p50))}</Figure>
        <Figure label="p90">{formatDuration(durationMillis(red?.p90))}</Figure>
        <Figure label="p99">{formatDuration(durationMillis(red?.p99))}</Figure>
        <Figure label="Last span">
          <Ago ms={millis(data.service?.lastSeenTime)} />
        </Figure>
      </dl>
      <Charts name={name} />
      <Section
        title="Operations"
        flush
        actions={
          <>
            <a href={href("/traces", { service: name })}>Traces</a>
            <a href={href("/logs", { view: "records", service: name })}>Logs</a>
          </>
        }
      >
        {data.operations.length === 0 ? (
          <Empty title="No operation in this window" />
        ) : (
          <Table
            label="Operations"
            rows={data.operations}
            id={(o) => o.name}
            href={(o) => href("/traces", { service: name, operation: o.name })}
            columns={[
              { title: "Operation", cell: (o) => <span class="name">{o.name}</span> },
              ...redColumns<Operation>((o) => o.red),
            ]}
          />
        )}
      </Section>
      <div class="pair">
        <Edges title="Called by" edges={data.callers} other={(e) => e.client} none="Nobody calls it in this window" />
        <Edges title="Calls" edges={data.callees} other={(e) => e.server} none="It calls nobody in this window" />
      </div>
    </>
  );
}

function Charts({ name }: { name: string }) {
  const series = useLoad(
    `service series ${name}`,
    (signal) => anomaly.querySeries({ service: name, startTime: timestamp(Date.now() - 20 * 60_000) }, { signal }),
    { every: 10_000 },
  );
  return (
    <Show of={series} rows={3}>
      {(data) => (
        <div class="charts">
          {charted.map((n) => {
            const found = data.series.find((s) => s.series?.name === n && s.series.labels.service === name);
            return (
              <Section key={n} title={seriesWords(n)}>
                {found ? (
                  <Chart name={n} line={line(found)} label={`${seriesWords(n)} of ${name} over the last 20 minutes`} />
                ) : (
                  <Empty title="No points yet" />
                )}
              </Section>
            );
          })}
        </div>
      )}
    </Show>
  );
}

function Edges({
  title,
  edges,
  other,
  none,
}: {
  title: string;
  edges: Edge[];
  other: (e: Edge) => string;
  none: string;
}) {
  return (
    <Section title={title} flush>
      {edges.length === 0 ? (
        <Empty title={none} />
      ) : (
        <Table
          label={title}
          rows={edges}
          id={other}
          href={(e) => `/services/${encodeURIComponent(other(e))}`}
          columns={[
            {
              title: "Service",
              cell: (e) => (
                <span class="name">
                  {other(e)}
                  {e.asynchronous && <span class="tag">async</span>}
                </span>
              ),
            },
            ...redColumns<Edge>((e) => e.red).filter((c) => c.title !== "p99"),
          ]}
        />
      )}
    </Section>
  );
}

function redColumns<T>(red: (row: T) => Red | undefined) {
  return [
    { title: "Rate", right: true, width: "84px", cell: (r: T) => formatRate(red(r)?.rate ?? Number.NaN) },
    { title: "Errors", right: true, width: "76px", cell: (r: T) => formatShare(red(r)?.errorRatio ?? Number.NaN) },
    { title: "p50", right: true, width: "80px", cell: (r: T) => formatDuration(durationMillis(red(r)?.p50)) },
    { title: "p90", right: true, width: "80px", cell: (r: T) => formatDuration(durationMillis(red(r)?.p90)) },
    { title: "p99", right: true, width: "80px", cell: (r: T) => formatDuration(durationMillis(red(r)?.p99)) },
  ];
}
