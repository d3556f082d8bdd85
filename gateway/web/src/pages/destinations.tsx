import { ingestion } from "../api";
import type { Destination, Endpoint } from "../gen/triflow/ingestion/v1/ingestion_pb";
import { useLoad } from "../load";
import { breakerWords } from "../model/arrival";
import { formatBytes, formatCount } from "../model/number";
import { millis } from "../model/time";
import { signalWords } from "../model/words";
import { Ago, Section } from "../parts/page";
import { Empty, Show } from "../parts/states";
import { Status } from "../parts/status";
import { Table } from "../parts/table";

/** Where telemetry goes, how far each destination has come, and the endpoints of those that are not our own. */
export function Destinations() {
  const loaded = useLoad("destinations", (signal) => ingestion.listDestinations({}, { signal }), { every: 5000 });
  return (
    <Show of={loaded} rows={6}>
      {({ destinations }) => (
        <>
          <Section title="Destinations" flush note="our own services first">
            {destinations.length === 0 ? <Empty title="No destination" /> : <Progress rows={destinations} />}
          </Section>
          <Section title="Endpoints" flush note="priority 0 is tried first; those of one priority share the load">
            <Endpoints of={destinations} />
          </Section>
        </>
      )}
    </Show>
  );
}

function Progress({ rows }: { rows: Destination[] }) {
  return (
    <Table
      label="Destinations"
      rows={rows}
      id={(d) => `${d.signal} ${d.name}`}
      columns={[
        {
          title: "Destination",
          cell: (d) => (
            <>
              <strong class="name">{d.name}</strong>
              <span class="second">{signalWords[d.signal]}</span>
            </>
          ),
        },
        { title: "Done", right: true, width: "120px", cell: (d) => formatCount(d.done) },
        {
          title: "Behind",
          right: true,
          width: "120px",
          cell: (d) => (
            <>
              {formatCount(d.behindItems)}
              <span class="second">{formatBytes(d.behindBytes)}</span>
            </>
          ),
        },
        {
          title: "Dropped",
          right: true,
          width: "110px",
          cell: (d) => <span class={d.dropped > 0n ? "tone-bad strong" : undefined}>{formatCount(d.dropped)}</span>,
        },
        { title: "Retries", right: true, width: "100px", wide: true, cell: (d) => formatCount(d.retries) },
      ]}
    />
  );
}

function Endpoints({ of: destinations }: { of: Destination[] }) {
  const rows = destinations.flatMap((d) => d.endpoints.map((endpoint) => ({ d, endpoint })));
  if (rows.length === 0) {
    return <Empty title="Everything stays here">A file of routes, --ingestion-routes, adds other OTLP backends.</Empty>;
  }
  return (
    <Table
      label="Endpoints"
      rows={rows}
      id={({ d, endpoint }) => `${d.signal} ${d.name} ${endpoint.address}`}
      columns={[
        {
          title: "Endpoint",
          cell: ({ d, endpoint: e }) => (
            <>
              <span class="name">{e.address}</span>
              <span class="second">
                {d.name}, {signalWords[d.signal].toLowerCase()}, priority {e.priority}
              </span>
              {e.lastError && <span class="second name tone-bad">{e.lastError}</span>}
            </>
          ),
        },
        { title: "Health", width: "130px", cell: ({ endpoint: e }) => <Health of={e} /> },
        {
          title: "Breaker",
          width: "110px",
          cell: ({ endpoint: e }) => {
            const [tone, word] = breakerWords[e.breaker];
            return <Status tone={tone}>{word}</Status>;
          },
        },
        {
          title: "Sent",
          right: true,
          width: "96px",
          wide: true,
          cell: ({ endpoint: e }) => (
            <>
              {formatCount(e.sent)}
              <span class="second">{formatCount(e.inFlight)} in flight</span>
            </>
          ),
        },
        {
          title: "Failed",
          right: true,
          width: "76px",
          wide: true,
          cell: ({ endpoint: e }) => formatCount(e.failed),
        },
      ]}
    />
  );
}

function Health({ of: e }: { of: Endpoint }) {
  return (
    <>
      <Status tone={e.healthy ? "good" : "bad"}>{e.healthy ? "Healthy" : "Unhealthy"}</Status>
      {e.changedTime && (
        <span class="second">
          since <Ago ms={millis(e.changedTime)} />
        </span>
      )}
    </>
  );
}
