import { ingestion } from "../api";
import type { Quality, RefusedItem, Sender } from "../gen/triflow/ingestion/v1/ingestion_pb";
import { useLoad } from "../load";
import { refusalWords } from "../model/arrival";
import { indentJson } from "../model/json";
import { formatCount, formatShare } from "../model/number";
import { batchesText, refusedItems, senderId, senderOf } from "../model/sender";
import { durationMillis, formatDuration, millis } from "../model/time";
import { signalWords } from "../model/words";
import { Ago, Copy, Figure, Known, Page, Section } from "../parts/page";
import { Empty, Show } from "../parts/states";
import { Table } from "../parts/table";
import { useAddress } from "../router";

/** One sender: its figures, how good they are, and what was refused of it. */
export function SenderPage() {
  const key = senderOf(useAddress().query);
  const id = senderId(key);
  const loaded = useLoad(
    `sender ${id}`,
    async (signal) => {
      const { signal: only, tenant, service } = key;
      const { senders } = await ingestion.listSenders({ signal: only, tenant, service, pageSize: 1000 }, { signal });
      return { sender: senders.find((s) => senderId(s) === id) };
    },
    { every: 5000 },
  );
  return (
    <Page title={key.service || "Sender"} crumb={{ href: "/arrival", label: "Arrival" }}>
      <Show of={loaded}>
        {({ sender }) =>
          sender ? (
            <Content of={sender} />
          ) : (
            <Empty title="This sender is not known">
              It has sent nothing since the start, or was forgotten as others sent later.{" "}
              <a href="/arrival">All senders</a>
            </Empty>
          )
        }
      </Show>
    </Page>
  );
}

function Content({ of: s }: { of: Sender }) {
  const lag = (of: "p50" | "p99") => (s.lag && s.lag.items > 0n ? durationMillis(s.lag[of]) : undefined);
  const refused = refusedItems(s.refused);
  return (
    <>
      <dl class="figures">
        <Figure label="Signal" note={`tenant ${s.tenant}`}>
          {signalWords[s.signal]}
        </Figure>
        <Figure label="Accepted" note={batchesText(s.batches)}>
          {formatCount(s.accepted)}
        </Figure>
        <Figure label="Refused" note={refused > 0n ? "by reason below" : "\u00a0"}>
          <span class={refused > 0n ? "tone-bad" : undefined}>{formatCount(refused)}</span>
        </Figure>
        <Figure label="Lag, p50" note="event time to arrival">
          <Known full of={lag("p50")} show={formatDuration} />
        </Figure>
        <Figure label="Lag, p99" note="over the last minutes">
          <Known full of={lag("p99")} show={formatDuration} />
        </Figure>
        <Figure label="Last batch" note={<First ms={millis(s.firstTime)} />}>
          <Ago ms={millis(s.lastTime)} />
        </Figure>
      </dl>
      <Section title="Where it comes from">
        <dl class="parameters">
          <Fact name="Address">{s.address}</Fact>
          <Fact name="SDK">{s.sdk || "it does not say"}</Fact>
          <Fact name="Credential">{s.credential ? `${s.credential}, the start of its SHA-256` : "none"}</Fact>
        </dl>
      </Section>
      <QualitySection of={s.quality} />
      <Section title="Refused" flush note="since the start">
        {s.refused.length === 0 ? (
          <Empty title="Nothing was refused" />
        ) : (
          <Table
            label="Refused by reason"
            rows={[...s.refused].sort((a, b) => Number(b.items - a.items))}
            id={(r) => r.reason}
            columns={[
              { title: "Reason", width: "130px", cell: (r) => <code>{r.reason}</code> },
              { title: "What it means", cell: (r) => refusalWords[r.reason] },
              { title: "Items", right: true, width: "90px", cell: (r) => formatCount(r.items) },
            ]}
          />
        )}
      </Section>
      {s.sample && <Sample of={s.sample} />}
    </>
  );
}

function First({ ms }: { ms: number }) {
  return (
    <>
      first <Ago ms={ms} />
    </>
  );
}

function Fact({ name, children }: { name: string; children: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function QualitySection({ of: q }: { of: Quality | undefined }) {
  return (
    <Section title="Quality">
      <dl class="figures">
        <Figure label="Completeness" note="of the spans that its SDK numbered; unknown if it numbers none">
          <Known full of={q?.completeness} show={formatShare} />
        </Figure>
        <Figure label="Accuracy" note="of the items, without a fault or an impossible value">
          <Known full of={q?.accuracy} show={formatShare} />
        </Figure>
        <Figure label="Timeliness" note="median of event time to done at the receiving service">
          <Known full of={q?.timelinessSeconds} show={(v) => formatDuration(v * 1000)} />
        </Figure>
        <Figure label="Consistency" note="of the numbered batches, that nothing repeats or contradicts">
          <Known full of={q?.consistency} show={formatShare} />
        </Figure>
      </dl>
    </Section>
  );
}

/** The latest item that was refused: what is wrong, where in the request, and the item itself. */
function Sample({ of: item }: { of: RefusedItem }) {
  return (
    <Section title="Latest refused item" note={<Ago ms={millis(item.time)} />}>
      <div class="sample">
        <dl class="parameters">
          <Fact name="Reason">{`${item.reason}: ${refusalWords[item.reason] ?? "not known to this page"}`}</Fact>
          <div>
            <dt>Path</dt>
            <dd>{item.path ? <code>{item.path}</code> : <span class="dim">the whole request</span>}</dd>
          </div>
          <Fact name="What is wrong">{item.text}</Fact>
        </dl>
        {item.item === "" ? (
          <p class="dim">The item itself could not be read.</p>
        ) : (
          <div>
            <div class="command-head">
              <h3>The item</h3>
              <Copy value={item.item} label="item" shown="copy" />
            </div>
            <pre class="item">{indentJson(item.item)}</pre>
          </div>
        )}
      </div>
    </Section>
  );
}
