import { assembly, config, ingestion, sampling } from "../api";
import type { GetLedgerResponse } from "../gen/triflow/assembly/v1/assembly_pb";
import { useLoad } from "../load";
import { formatCount } from "../model/number";
import { signalWords } from "../model/words";
import { Figure, Page, Section } from "../parts/page";
import { Empty, Show } from "../parts/states";
import { Status } from "../parts/status";
import { Table } from "../parts/table";

/** What came in and where it is, the cluster, and every setting. */
export function SettingsPage() {
  const ledger = useLoad("ledger", (signal) => assembly.getLedger({}, { signal }), { every: 5000 });
  const settings = useLoad("settings", (signal) => config.getConfig({}, { signal }));
  return (
    <Page title="System">
      <Section title="Ledger of spans" note="received = kept + dropped + duplicates + pending">
        <Show of={ledger} rows={2}>
          {(data) => <Ledger of={data} />}
        </Show>
      </Section>
      <Arrivals />
      <Cluster />
      <Section title="Settings" flush note="in force; secrets are masked">
        <Show of={settings}>
          {(data) =>
            data.settings.length === 0 ? (
              <Empty title="No setting is published" />
            ) : (
              <Table
                label="Settings"
                rows={data.settings}
                id={(s) => s.name}
                columns={[
                  { title: "Name", width: "28%", cell: (s) => <code>{s.name}</code> },
                  {
                    title: "Value",
                    width: "22%",
                    cell: (s) => (
                      <>
                        <code>{s.value || "–"}</code>
                        {s.value !== s.default && <span class="tag">default {s.default || "empty"}</span>}
                      </>
                    ),
                  },
                  { title: "What it does", wide: true, cell: (s) => <span class="dim">{s.help}</span> },
                ]}
              />
            )
          }
        </Show>
      </Section>
    </Page>
  );
}

function Ledger({ of }: { of: GetLedgerResponse }) {
  const dropped = of.dropped.reduce((sum, d) => sum + d.spans, 0n);
  const balanced = of.received === of.kept + dropped + of.duplicates + of.pending;
  return (
    <>
      <dl class="figures">
        <Figure label="Received">{formatCount(of.received)}</Figure>
        <Figure label="Kept" note={`${formatCount(of.tracesKept)} traces`}>
          {formatCount(of.kept)}
        </Figure>
        <Figure
          label="Dropped"
          note={of.dropped.map((d) => `${formatCount(d.spans)} ${d.reason.replaceAll("_", " ")}`).join(", ")}
        >
          {formatCount(dropped)}
        </Figure>
        <Figure label="Duplicates">{formatCount(of.duplicates)}</Figure>
        <Figure label="Pending" note={`${formatCount(of.tracesOpen)} open traces`}>
          {formatCount(of.pending)}
        </Figure>
      </dl>
      <p class="balance">
        {balanced ? <Status tone="good">Balanced</Status> : <Status tone="bad">Does not balance</Status>}
      </p>
    </>
  );
}

function Arrivals() {
  const arrived = useLoad("arrivals", (signal) => ingestion.getLedger({}, { signal }), { every: 5000 });
  return (
    <Section title="What came in" flush note="over OTLP, by signal; refusals since the start">
      <Show of={arrived} rows={3}>
        {(data) => (
          <Table
            label="What came in"
            rows={data.signals}
            id={(s) => String(s.signal)}
            columns={[
              { title: "Signal", cell: (s) => <strong>{signalWords[s.signal]}</strong> },
              { title: "Accepted", right: true, width: "120px", cell: (s) => formatCount(s.accepted) },
              { title: "Done", right: true, width: "120px", cell: (s) => formatCount(s.done) },
              { title: "Backlog", right: true, width: "100px", cell: (s) => formatCount(s.backlog) },
              { title: "Requests", right: true, width: "110px", wide: true, cell: (s) => formatCount(s.requests) },
              {
                title: "Refused",
                width: "280px",
                cell: (s) => s.refused.map((r) => `${formatCount(r.items)} ${r.reason}`).join(", ") || "none",
              },
            ]}
          />
        )}
      </Show>
    </Section>
  );
}

function Cluster() {
  const cluster = useLoad("cluster", (signal) => sampling.getCluster({}, { signal }), { every: 10_000 });
  return (
    <Section title="Sampling cluster">
      <Show of={cluster} rows={2}>
        {(c) => (
          <dl class="figures">
            <Figure label="Leader">{c.leaderId || "none"}</Figure>
            <Figure label="Term">{formatCount(c.term)}</Figure>
            <Figure label="Voters" note={c.voters.map((v) => v.nodeId).join(", ")}>
              {c.voters.length}
            </Figure>
            <Figure label="Applied index">{formatCount(c.appliedIndex)}</Figure>
            <Figure label="Decisions remembered">{formatCount(c.decisions)}</Figure>
          </dl>
        )}
      </Show>
    </Section>
  );
}
