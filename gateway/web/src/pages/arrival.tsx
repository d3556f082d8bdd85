import type { ComponentChildren } from "preact";
import { ingestion } from "../api";
import type { SignalLedger } from "../gen/triflow/ingestion/v1/ingestion_pb";
import { useLoad } from "../load";
import { formatCount } from "../model/number";
import { refusedItems } from "../model/sender";
import { millis } from "../model/time";
import { signalWords } from "../model/words";
import { Ago, Figure, Page, Tabs } from "../parts/page";
import { Fault } from "../parts/states";
import { href, useAddress } from "../router";
import { DataFlow } from "./dataflow";
import { Destinations } from "./destinations";
import { Faults } from "./faults";
import { Senders } from "./senders";
import { Tenants } from "./tenants";

export { SenderPage } from "./sender";

const views: { id: string; label: string; show: () => ComponentChildren }[] = [
  { id: "senders", label: "Senders", show: () => <Senders /> },
  { id: "flow", label: "Data flow", show: () => <DataFlow /> },
  { id: "destinations", label: "Destinations", show: () => <Destinations /> },
  { id: "tenants", label: "Tenants", show: () => <Tenants /> },
  { id: "faults", label: "Faults", show: () => <Faults /> },
];

/** What comes in, from whom, what is refused, what is wrong, and where it goes. */
export function ArrivalPage() {
  const asked = useAddress().query.get("view");
  const view = views.find((v) => v.id === asked) ?? views[0]!;
  const tabs = views.map(({ id, label }) => ({
    id,
    label,
    href: href("/arrival", { view: id === "senders" ? "" : id }),
  }));
  return (
    <Page title="Arrival" actions={<Tabs label="View" current={view.id} items={tabs} />}>
      <Figures />
      {view.show()}
    </Page>
  );
}

/** The three signals and the latest fault; the boxes stand before the first answer, so that nothing moves. */
function Figures() {
  const ledger = useLoad("arrival ledger", (signal) => ingestion.getLedger({}, { signal }), { every: 5000 });
  const faults = useLoad("arrival fault", (signal) => ingestion.listFaults({ pageSize: 1 }, { signal }), {
    every: 5000,
  });
  const latest = faults.data?.faults[0];
  return (
    <>
      {ledger.error && <Fault problem={ledger.error} onRetry={ledger.reload} />}
      <dl class="figures">
        {[1, 2, 3].map((signal) => (
          <Accepted key={signal} signal={signal} of={ledger.data?.signals.find((s) => s.signal === signal)} />
        ))}
        <Figure label="Latest fault" note={latest ? `${latest.kind}, ${latest.subject}` : "\u00a0"}>
          {latest ? <Ago ms={millis(latest.lastTime)} /> : faults.data ? "none" : "–"}
        </Figure>
      </dl>
    </>
  );
}

function Accepted({ signal, of }: { signal: keyof typeof signalWords; of: SignalLedger | undefined }) {
  const refused = refusedItems(of?.refused ?? []);
  return (
    <Figure
      label={`${signalWords[signal]} accepted`}
      note={
        of ? (
          <>
            <span class={refused > 0n ? "tone-bad" : undefined}>{formatCount(refused)} refused</span>,{" "}
            {formatCount(of.backlog)} waiting{of.lost > 0n && `, ${formatCount(of.lost)} lost`}
          </>
        ) : (
          "\u00a0"
        )
      }
    >
      {of ? formatCount(of.accepted) : "–"}
    </Figure>
  );
}
