import { diagnosis } from "../api";
import { type Incident, IncidentState } from "../gen/triflow/diagnosis/v1/diagnosis_pb";
import { ChangeKind } from "../gen/triflow/gateway/v1/gateway_pb";
import { useLoad } from "../load";
import { formatDuration, millis } from "../model/time";
import { causeWords } from "../model/words";
import { Ago, Page, Section, Tabs } from "../parts/page";
import { Paged } from "../parts/paged";
import { Empty, Show } from "../parts/states";
import { Confidence, Status } from "../parts/status";
import { Table } from "../parts/table";
import { useAddress, withQuery } from "../router";

const states: Record<string, IncidentState> = { open: IncidentState.OPEN, resolved: IncidentState.RESOLVED };

/** All incidents, latest first. */
export function IncidentsPage() {
  const chosen = useAddress().query.get("state") ?? "";
  const state = states[chosen] ?? IncidentState.UNSPECIFIED;
  const read = (pageToken: string, signal?: AbortSignal) =>
    diagnosis
      .listIncidents({ state, pageSize: 50, pageToken }, { signal })
      .then((r) => ({ rows: r.incidents, token: r.nextPageToken }));
  const first = useLoad(`incidents ${chosen}`, (signal) => read("", signal), { on: ChangeKind.INCIDENT });
  const tabs = [
    { id: "", label: "All" },
    { id: "open", label: "Open" },
    { id: "resolved", label: "Resolved" },
  ].map((t) => ({ ...t, href: withQuery({ state: t.id || undefined }) }));
  return (
    <Page title="Incidents" actions={<Tabs label="State" current={chosen} items={tabs} />}>
      <Section title="Incidents" flush note="latest first">
        <Show of={first} rows={6}>
          {(data) =>
            data.rows.length === 0 ? (
              <Empty title={chosen ? `No ${chosen} incident` : "No incident so far"}>
                An incident appears when anomalies come together in time and in the service graph.
              </Empty>
            ) : (
              <Paged first={data} next={read}>
                {(rows) => <Incidents rows={rows} />}
              </Paged>
            )
          }
        </Show>
      </Section>
    </Page>
  );
}

function Incidents({ rows }: { rows: Incident[] }) {
  return (
    <Table
      label="Incidents"
      rows={rows}
      id={(i) => i.id}
      href={(i) => `/incidents/${encodeURIComponent(i.id)}`}
      columns={[
        { title: "Incident", cell: (i) => <strong>{i.title}</strong> },
        { title: "State", width: "116px", cell: (i) => <IncidentStatus state={i.state} /> },
        {
          title: "Most probable cause",
          width: "230px",
          wide: true,
          cell: ({ causes: [c] }) =>
            c ? `${c.service}, ${causeWords[c.kind][0].toLowerCase()}` : <span class="dim">none found</span>,
        },
        {
          title: "Confidence",
          width: "170px",
          wide: true,
          cell: ({ causes: [c] }) => c && <Confidence value={c.confidence} />,
        },
        { title: "Lasted", right: true, width: "100px", wide: true, cell: lasted },
        { title: "Start", right: true, width: "110px", cell: (i) => <Ago ms={millis(i.startTime)} /> },
      ]}
    />
  );
}

function lasted(i: Incident): string {
  return i.endTime ? formatDuration(millis(i.endTime) - millis(i.startTime)) : "goes on";
}

/** Open or resolved. */
export function IncidentStatus({ state }: { state: IncidentState }) {
  return state === IncidentState.OPEN ? <Status tone="bad">Open</Status> : <Status tone="good">Resolved</Status>;
}
