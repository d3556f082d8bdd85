import { ingestion } from "../api";
import type { Sender } from "../gen/triflow/ingestion/v1/ingestion_pb";
import { useLoad } from "../load";
import { formatCount, formatShare } from "../model/number";
import { batchesText, refusedText, senderId, senderQuery, signalName, signalOf, steadyOrder } from "../model/sender";
import { durationMillis, formatDuration, millis } from "../model/time";
import { Ago, Known, Section } from "../parts/page";
import { Paged } from "../parts/paged";
import { Empty, Show } from "../parts/states";
import { type Column, Table } from "../parts/table";
import { href, setQuery, useAddress } from "../router";
import { HowToSend } from "./sending";
import { FilterToken } from "./window";

/** Who sends: a row for each service, signal, SDK and address. */
export function Senders() {
  const { query } = useAddress();
  const filter = {
    signal: signalOf(query.get("signal")),
    tenant: query.get("tenant") ?? "",
    service: query.get("service") ?? "",
  };
  const key = `senders ${JSON.stringify(filter)}`;
  const read = (pageToken: string, signal?: AbortSignal) =>
    ingestion
      .listSenders({ ...filter, pageSize: 100, pageToken }, { signal })
      .then((r) => ({ rows: r.senders, token: r.nextPageToken, forgotten: r.forgotten }));
  const first = useLoad(key, (signal) => read("", signal), { every: 5000 });
  const filtered = filter.signal !== 0 || filter.tenant !== "" || filter.service !== "";
  return (
    <>
      <Filters />
      <Section title="Senders" flush note={note(first.data?.forgotten)}>
        <Show of={first} rows={10}>
          {(data) =>
            data.rows.length > 0 ? (
              <Paged key={key} first={data} next={read}>
                {(rows) => <SenderTable rows={steadyOrder(rows)} />}
              </Paged>
            ) : filtered ? (
              <Empty title="No sender matches">
                <a href="/arrival">Remove all filters</a>
              </Empty>
            ) : (
              <HowToSend />
            )
          }
        </Show>
      </Section>
    </>
  );
}

function note(forgotten: bigint | undefined): string {
  const order = "those who sent in the last minute first; counts since the start";
  return forgotten ? `${order}; ${formatCount(forgotten)} rows were forgotten` : order;
}

function Filters() {
  const { query } = useAddress();
  const tenants = useLoad("sender tenants", (signal) => ingestion.listTenants({}, { signal }), { every: 30_000 });
  const [signal, tenant, service] = ["signal", "tenant", "service"].map((k) => query.get(k) ?? "");
  const names = new Set([...(tenants.data?.tenants.map((t) => t.name) ?? []), tenant].filter(Boolean));
  return (
    <form class="filters" onSubmit={(e) => e.preventDefault()}>
      <label class="field">
        Signal
        <select value={signal} onChange={(e) => setQuery({ signal: e.currentTarget.value })}>
          <option value="">Any</option>
          <option value="traces">Traces</option>
          <option value="logs">Logs</option>
          <option value="metrics">Metrics</option>
        </select>
      </label>
      <label class="field">
        Tenant
        <select value={tenant} onChange={(e) => setQuery({ tenant: e.currentTarget.value })}>
          <option value="">Any</option>
          {[...names].map((n) => (
            <option key={n} value={n}>
              {n}
            </option>
          ))}
        </select>
      </label>
      <label class="field">
        Service
        <input value={service} onChange={(e) => setQuery({ service: e.currentTarget.value })} data-search />
      </label>
      {service && <FilterToken name="service" value={service} query="service" />}
    </form>
  );
}

const share = (title: string, of: (s: Sender) => number | undefined): Column<Sender> => ({
  title,
  right: true,
  broad: true,
  width: "86px",
  cell: (s) => <Known of={of(s)} show={formatShare} />,
});

function SenderTable({ rows }: { rows: Sender[] }) {
  return (
    <Table
      label="Senders"
      rows={rows}
      id={senderId}
      href={(s) => href("/arrival/sender", senderQuery(s))}
      columns={[
        {
          title: "Service",
          cell: (s) => (
            <>
              <strong class="name">{s.service}</strong>
              <span class="second">
                {signalName(s.signal)}
                {s.sdk && `, ${s.sdk}`}
              </span>
            </>
          ),
        },
        {
          title: "From",
          width: "128px",
          wide: true,
          cell: (s) => (
            <>
              <span class="name">{s.address}</span>
              <span class="second">
                {s.tenant}
                {s.credential && `, key ${s.credential}`}
              </span>
            </>
          ),
        },
        {
          title: "Accepted",
          right: true,
          width: "90px",
          cell: (s) => (
            <>
              {formatCount(s.accepted)}
              <span class="second wide">{batchesText(s.batches)}</span>
            </>
          ),
        },
        {
          title: "Refused",
          width: "120px",
          cell: (s) => <span class={s.refused.length ? "tone-bad strong" : "dim"}>{refusedText(s.refused)}</span>,
        },
        { title: "Lag", right: true, width: "100px", wide: true, cell: (s) => <Lag of={s} /> },
        share("Complete", (s) => s.quality?.completeness),
        share("Accurate", (s) => s.quality?.accuracy),
        {
          title: "Timely",
          right: true,
          broad: true,
          width: "76px",
          cell: (s) => <Known of={s.quality?.timelinessSeconds} show={(v) => formatDuration(v * 1000)} />,
        },
        share("Consistent", (s) => s.quality?.consistency),
        {
          title: "Last batch",
          right: true,
          width: "116px",
          cell: (s) => (
            <>
              <Ago ms={millis(s.lastTime)} />
              <span class="second wide">
                first <Ago ms={millis(s.firstTime)} />
              </span>
            </>
          ),
        },
      ]}
    />
  );
}

function Lag({ of: { lag } }: { of: Sender }) {
  const known = lag !== undefined && lag.items > 0n;
  return (
    <>
      <Known of={known ? durationMillis(lag.p50) : undefined} show={formatDuration} />
      {known && <span class="second">p99 {formatDuration(durationMillis(lag.p99))}</span>}
    </>
  );
}
