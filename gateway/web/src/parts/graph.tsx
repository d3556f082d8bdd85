import type { Edge, Service } from "../gen/triflow/assembly/v1/assembly_pb";
import { curve } from "../model/curve";
import { layout, type Placed, type Point } from "../model/graph";
import { formatRate, formatShare } from "../model/number";
import { durationMillis, formatDuration } from "../model/time";
import { nodeWords, type Tone } from "../model/words";

const spacing = { nodeWidth: 178, nodeHeight: 40, layerGap: 64, nodeGap: 16 };

/** The graph as a drawing; every node is a link to its service. */
export function ServiceGraph({
  services,
  edges,
  state,
}: {
  services: Service[];
  edges: Edge[];
  state: (name: string) => [Tone, string];
}) {
  const drawing = layout(
    services.map((s) => s.name),
    edges,
    spacing,
  );
  const place = (name: string) => drawing.nodes.get(name);
  const width = Math.max(drawing.width, spacing.nodeWidth);
  return (
    <div class="graph-box">
      <svg class="graph" width={width + 4} height={drawing.height} viewBox={`-2 0 ${width + 4} ${drawing.height}`}>
        <title>Service graph</title>
        {edges.map((e, i) => (
          <Call
            key={`${e.client} ${e.server}`}
            edge={e}
            from={place(e.client)}
            bends={drawing.bends[i]!}
            to={place(e.server)}
          />
        ))}
        {services.map((s) => (
          <Node key={s.name} service={s} at={place(s.name)!} state={state(s.name)} />
        ))}
      </svg>
    </div>
  );
}

function Node({ service, at, state: [tone, word] }: { service: Service; at: Placed; state: [Tone, string] }) {
  const { nodeWidth: w, nodeHeight: h } = spacing;
  const name = service.name.length > 19 ? `${service.name.slice(0, 18)}…` : service.name;
  return (
    <a href={`/services/${encodeURIComponent(service.name)}`} data-row>
      <title>{`${service.name}, ${nodeWords[service.kind]}`}</title>
      <g transform={`translate(${at.x - w / 2} ${at.y - h / 2})`}>
        <rect class={`node tone-${tone}`} width={w} height={h} rx="8" />
        <text x="12" y="17" class="node-name">
          {name}
        </text>
        <text x="12" y="32" class="node-note">
          {word} · {formatRate(service.red?.rate ?? Number.NaN)} · {formatShare(service.red?.errorRatio ?? Number.NaN)}{" "}
          err
        </text>
      </g>
    </a>
  );
}

function Call({
  edge,
  from,
  bends,
  to,
}: {
  edge: Edge;
  from: Placed | undefined;
  bends: Point[];
  to: Placed | undefined;
}) {
  if (!from || !to || from === to) return null;
  const failing = (edge.red?.errorRatio ?? 0) >= 0.05;
  return (
    <path
      class={`call${failing ? " is-bad" : ""}${edge.asynchronous ? " is-async" : ""}`}
      d={curve(from, bends, to, spacing)}
    >
      <title>
        {edge.client} → {edge.server}: {formatRate(edge.red?.rate ?? Number.NaN)},{" "}
        {formatShare(edge.red?.errorRatio ?? Number.NaN)} errors, p90 {formatDuration(durationMillis(edge.red?.p90))}
      </title>
    </path>
  );
}
