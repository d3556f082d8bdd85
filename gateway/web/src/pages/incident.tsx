import { diagnosis, remediation } from "../api";
import type { Cause, Incident } from "../gen/triflow/diagnosis/v1/diagnosis_pb";
import { ChangeKind } from "../gen/triflow/gateway/v1/gateway_pb";
import { useLoad } from "../load";
import { formatDuration, millis } from "../model/time";
import { causeWords, count } from "../model/words";
import { Ago, Clock, Figure, Page, Section } from "../parts/page";
import { Empty, Show } from "../parts/states";
import { Confidence } from "../parts/status";
import { AnomalyTable } from "./anomalies";
import { EvidenceList } from "./evidence";
import { IncidentStatus } from "./incidents";
import { Plan } from "./plan";

/** One incident: what, why with evidence, what to do, and how it went. */
export function IncidentPage({ id }: { id: string }) {
  const loaded = useLoad(
    `incident ${id}`,
    async (signal) => (await diagnosis.getIncident({ id }, { signal })).incident!,
    { on: ChangeKind.INCIDENT },
  );
  return (
    <Page title={loaded.data?.title ?? "Incident"} crumb={{ href: "/incidents", label: "Incidents" }}>
      <Show of={loaded}>{(incident) => <Content incident={incident} />}</Show>
    </Page>
  );
}

function Content({ incident }: { incident: Incident }) {
  return (
    <>
      <dl class="figures">
        <Figure label="State">
          <IncidentStatus state={incident.state} />
        </Figure>
        <Figure label="Start" note={<Clock ms={millis(incident.startTime)} />}>
          <Ago ms={millis(incident.startTime)} />
        </Figure>
        <Figure label="Lasted">
          {incident.endTime ? formatDuration(millis(incident.endTime) - millis(incident.startTime)) : "goes on"}
        </Figure>
        <Figure label="Affected" note={<ServiceLinks names={incident.services} />}>
          {count(incident.services.length, "service")}
        </Figure>
      </dl>
      <Causes causes={incident.causes} incident={incident} />
      <Plans incident={incident.id} />
      <Section title="Timeline" flush note="anomalies in order of their start">
        {incident.anomalies.length === 0 ? (
          <Empty title="No anomaly is recorded" />
        ) : (
          <AnomalyTable rows={[...incident.anomalies].sort((a, b) => millis(a.startTime) - millis(b.startTime))} />
        )}
      </Section>
    </>
  );
}

function ServiceLinks({ names }: { names: string[] }) {
  return (
    <span class="links">
      {names.map((n) => (
        <a key={n} href={`/services/${encodeURIComponent(n)}`}>
          {n}
        </a>
      ))}
    </span>
  );
}

function Causes({ causes, incident }: { causes: Cause[]; incident: Incident }) {
  const rest = 1 - causes.reduce((sum, c) => sum + c.confidence, 0);
  return (
    <Section title="Causes" note="most probable first; equal confidence is a tie">
      {causes.length === 0 ? (
        <Empty title="No cause was found">The anomalies below are all that is known.</Empty>
      ) : (
        <ol class="causes">
          {causes.map((c, i) => (
            <li key={`${c.service} ${c.kind}`} class="cause">
              <div class="cause-head">
                <h3>
                  <a href={`/services/${encodeURIComponent(c.service)}`}>{c.service}</a>{" "}
                  <span title={causeWords[c.kind][1]}>{causeWords[c.kind][0].toLowerCase()}</span>
                </h3>
                <Confidence value={c.confidence} />
              </div>
              <p>{c.explanation}</p>
              {c.evidence.length > 0 && (
                <details open={i === 0}>
                  <summary>{count(c.evidence.length, "piece", "pieces")} of evidence</summary>
                  <EvidenceList evidence={c.evidence} incident={incident} />
                </details>
              )}
            </li>
          ))}
          {rest > 0.005 && (
            <li class="cause is-rest">
              <div class="cause-head">
                <span class="dim">None of these</span>
                <Confidence value={rest} />
              </div>
            </li>
          )}
        </ol>
      )}
    </Section>
  );
}

function Plans({ incident }: { incident: string }) {
  const plans = useLoad(
    `plans of ${incident}`,
    (signal) => remediation.listRemediations({ incidentId: incident, pageSize: 20 }, { signal }),
    { on: ChangeKind.REMEDIATION },
  );
  return (
    <Show of={plans} rows={3}>
      {(data) =>
        data.remediations.length === 0 ? (
          <Section title="Plan">
            <Empty title="No playbook fits this cause">Nothing is planned, and nothing will be done.</Empty>
          </Section>
        ) : (
          data.remediations.map((r) => <Plan key={r.id} id={r.id} />)
        )
      }
    </Show>
  );
}
