import { useState } from "preact/hooks";
import { ingestion } from "../api";
import { type FlowEdge, FlowRole, type GetDataFlowResponse } from "../gen/triflow/ingestion/v1/ingestion_pb";
import { useLoad } from "../load";
import { effectWords, flowDirectionWords, transformWords, typeWords } from "../model/arrival";
import { type FlowBox, flowPicture, others } from "../model/flow";
import { formatBytes, formatCount, formatRate } from "../model/number";
import { count } from "../model/words";
import { FlowGraph, FlowLegend } from "../parts/flow";
import { Section } from "../parts/page";
import { Empty, Show } from "../parts/states";
import { Table } from "../parts/table";
import { href, useAddress, withQuery } from "../router";

const mostProducers = 16;
const edgesShown = 50;

/** The graph of producers, stages and sinks as a drawing, and the same as a table. */
export function DataFlow() {
  const loaded = useLoad("dataflow", (signal) => ingestion.getDataFlow({}, { signal }), { every: 5000 });
  return (
    <Show of={loaded} rows={12}>
      {(graph) =>
        graph.nodes.length === 0 ? (
          <Section title="Data flow">
            <Empty title="Nothing flows yet" />
          </Section>
        ) : (
          <>
            <Drawing of={graph} />
            <Edges of={graph} />
          </>
        )
      }
    </Show>
  );
}

function Drawing({ of: graph }: { of: GetDataFlowResponse }) {
  const all = useAddress().query.get("producers") === "all";
  const picture = flowPicture(graph.nodes, graph.edges, mostProducers);
  return (
    <>
      <Section title="Data flow" note="items a second, over the last half to whole minute">
        <FlowGraph picture={picture} href={leadsTo} />
        <FlowLegend />
      </Section>
      {picture.folded.length > 0 && (
        <Section
          title="Other producers"
          note={`${count(picture.folded.length, "producer")} with fewer items`}
          actions={<a href={withQuery({ producers: all ? undefined : "all" })}>{all ? "Hide" : "Show"}</a>}
        >
          {all && <Producers of={picture.folded} />}
        </Section>
      )}
    </>
  );
}

function Producers({ of }: { of: FlowBox[] }) {
  return (
    <ul class="producers">
      {of.map((b) => (
        <li key={b.id}>
          <a href={leadsTo(b)}>{b.name}</a>
          <span class="num dim">{formatRate(b.rate)}</span>
        </li>
      ))}
    </ul>
  );
}

/** A producer to its rows, the folded ones to their list, a sink to its progress. */
function leadsTo(box: FlowBox): string | undefined {
  if (box.id === others) return withQuery({ producers: "all" });
  if (box.role === FlowRole.PRODUCER) return href("/arrival", { service: box.name });
  if (box.role === FlowRole.SINK) return href("/arrival", { view: "destinations" });
  return undefined;
}

function Edges({ of: graph }: { of: GetDataFlowResponse }) {
  const [shown, setShown] = useState(edgesShown);
  const names = new Map(graph.nodes.map((n) => [n.id, n.name]));
  const rows = [...graph.edges].sort((a, b) => Number(b.items - a.items) || (a.from < b.from ? -1 : 1));
  // A rate of bytes that is not known comes as 0.
  const sized = rows.some((e) => e.bytesPerSecond > 0);
  const bytes = (e: FlowEdge) => (e.bytesPerSecond > 0 ? `${formatBytes(e.bytesPerSecond)}/s` : "–");
  return (
    <Section title="Edges" flush note={`${count(rows.length, "edge")}, most items first`}>
      <Table
        label="Edges"
        rows={rows.slice(0, shown)}
        id={(e) => JSON.stringify([e.from, e.to, e.type, e.transform, e.effect, e.direction])}
        columns={[
          {
            title: "From and to",
            cell: (e) => (
              <span class="name">
                <strong>{names.get(e.from) ?? e.from}</strong> → {names.get(e.to) ?? e.to}
              </span>
            ),
          },
          { title: "Carries", width: "120px", wide: true, cell: (e) => typeWords[e.type] },
          { title: "Transform", width: "110px", cell: (e) => transformWords[e.transform] },
          { title: "Effect", width: "100px", wide: true, cell: (e) => effectWords[e.effect] },
          {
            title: "Direction",
            width: "100px",
            wide: true,
            cell: (e) => <span title={flowDirectionWords[e.direction][1]}>{flowDirectionWords[e.direction][0]}</span>,
          },
          { title: "Rate", right: true, width: "96px", cell: (e) => formatRate(e.itemsPerSecond) },
          ...(sized ? [{ title: "Bytes", right: true, width: "100px", wide: true, cell: bytes }] : []),
          { title: "Items", right: true, width: "110px", cell: (e) => formatCount(e.items) },
        ]}
      />
      {rows.length > shown && (
        <div class="more">
          <button type="button" class="button" onClick={() => setShown(shown + 4 * edgesShown)}>
            Show more
          </button>
        </div>
      )}
    </Section>
  );
}
