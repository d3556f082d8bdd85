import { ingestion } from "../api";
import type { Tenant } from "../gen/triflow/ingestion/v1/ingestion_pb";
import { useLoad } from "../load";
import { formatBytes, formatCount, formatShort } from "../model/number";
import { refusedText } from "../model/sender";
import { Section } from "../parts/page";
import { Empty, Show } from "../parts/states";
import { Table } from "../parts/table";
import { href } from "../router";

/** Who is accounted for together: limits, what is in use, what was refused. */
export function Tenants() {
  const loaded = useLoad("tenants", (signal) => ingestion.listTenants({}, { signal }), { every: 5000 });
  return (
    <Section title="Tenants" flush note="the busiest first; counts since the start">
      <Show of={loaded} rows={6}>
        {({ tenants }) => (tenants.length === 0 ? <Empty title="No tenant so far" /> : <TenantTable rows={tenants} />)}
      </Show>
    </Section>
  );
}

function TenantTable({ rows }: { rows: Tenant[] }) {
  return (
    <Table
      label="Tenants"
      rows={rows}
      id={(t) => t.name}
      href={(t) => href("/arrival", { tenant: t.name })}
      open={(t) => `Senders of ${t.name}`}
      columns={[
        { title: "Tenant", cell: (t) => <strong class="name">{t.name}</strong> },
        { title: "Memory in use", width: "250px", cell: (t) => <Use of={t} /> },
        {
          title: "Requests/s",
          right: true,
          width: "104px",
          wide: true,
          cell: (t) => <Limit of={t.requestsPerSecond} show={formatShort} />,
        },
        {
          title: "Items/s",
          right: true,
          width: "104px",
          wide: true,
          cell: (t) => <Limit of={t.itemsPerSecond} show={formatShort} />,
        },
        {
          title: "Bytes/s",
          right: true,
          width: "104px",
          wide: true,
          cell: (t) => <Limit of={t.bytesPerSecond} show={formatBytes} />,
        },
        { title: "Accepted", right: true, width: "110px", cell: (t) => formatCount(t.accepted) },
        {
          title: "Refused",
          width: "200px",
          wide: true,
          cell: (t) => <span class={t.refused.length ? "tone-bad strong" : "dim"}>{refusedText(t.refused)}</span>,
        },
      ]}
    />
  );
}

function Limit({ of, show }: { of: number; show: (v: number) => string }) {
  return of > 0 ? show(of) : <span class="dim">no limit</span>;
}

/** Memory of the requests that are being served, of the share that the tenant may hold when others want room too. */
function Use({ of: t }: { of: Tenant }) {
  const share = t.inFlightShareBytes > 0n ? Number(t.inFlightBytes) / Number(t.inFlightShareBytes) : 0;
  return (
    <span class="confidence">
      <span class="confidence-bar" aria-hidden="true">
        <span style={{ width: `${Math.min(100, Math.round(share * 100))}%` }} />
      </span>
      <span class="num">
        {formatBytes(t.inFlightBytes)} of {formatBytes(t.inFlightShareBytes)}
      </span>
    </span>
  );
}
