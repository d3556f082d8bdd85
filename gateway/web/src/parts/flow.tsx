import { useMemo, useState } from "preact/hooks";
import { FlowDirection, type FlowEdge, FlowEffect, FlowRole } from "../gen/triflow/ingestion/v1/ingestion_pb";
import { effectWords, flowDirectionWords, roleWords, transformWords, typeWords } from "../model/arrival";
import { curve } from "../model/curve";
import { type FlowBox, type FlowPicture, type FlowWay, throughBox } from "../model/flow";
import { layout, type Placed, type Point, type Spacing } from "../model/graph";
import { formatCount, formatRate } from "../model/number";

const roomy: Spacing = { nodeWidth: 140, nodeHeight: 40, layerGap: 74, nodeGap: 12 };
const dense: Spacing = { ...roomy, nodeHeight: 22, nodeGap: 4 };
const manyBoxes = 40;
const smallest = 0.78; // of its size; smaller its texts could not be read

/** The data flow as a drawing. The box that a pointer or the focus is on shows the ways of its telemetry alone. */
export function FlowGraph({
  picture,
  href,
}: {
  picture: FlowPicture;
  /** Where a box leads; undefined if nowhere. */
  href: (box: FlowBox) => string | undefined;
}) {
  const { boxes, ways, ends } = picture;
  const spacing = boxes.length > manyBoxes ? dense : roomy;
  const [chosen, setChosen] = useState("");
  // Rates change every few seconds, the shape hardly ever: it is laid out when it changes.
  const shape = JSON.stringify([boxes.map((b) => b.id), ways.map((w) => [w.client, w.server])]);
  const drawing = useMemo(
    () =>
      layout(
        boxes.map((b) => b.id),
        ways,
        spacing,
        ends,
      ),
    [shape],
  );
  const lit = useMemo(() => throughBox(ways, chosen), [shape, chosen]);
  const place = (id: string) => drawing.nodes.get(id);
  const width = Math.max(drawing.width, spacing.nodeWidth);
  const known = drawing.nodes.has(chosen);
  return (
    <div class="graph-box">
      <svg
        class={known ? "graph flow is-chosen" : "graph flow"}
        width={width + 4}
        height={drawing.height}
        style={{ minWidth: `${smallest * width}px` }}
        viewBox={`-2 0 ${width + 4} ${drawing.height}`}
      >
        <title>Data flow</title>
        {ways.map((w, i) => (
          <Way
            key={`${w.client} ${w.server}`}
            way={w}
            from={place(w.client)}
            bends={drawing.bends[i] ?? []}
            to={place(w.server)}
            spacing={spacing}
            labelled={w.rate > 0 && ends.get(w.client) !== "first"}
            lit={lit.has(i)}
          />
        ))}
        {boxes.map((b) => (
          <Box
            key={b.id}
            box={b}
            at={place(b.id)!}
            spacing={spacing}
            lit={b.id === chosen || ways.some((w, i) => lit.has(i) && (w.client === b.id || w.server === b.id))}
            href={href(b)}
            onChoose={setChosen}
          />
        ))}
      </svg>
    </div>
  );
}

function Box({
  box,
  at,
  spacing: { nodeWidth: w, nodeHeight: h },
  lit,
  href,
  onChoose,
}: {
  box: FlowBox;
  at: Placed;
  spacing: Spacing;
  lit: boolean;
  href: string | undefined;
  onChoose: (id: string) => void;
}) {
  const low = h < roomy.nodeHeight;
  const most = low ? 12 : 16;
  const name = box.name.length > most ? `${box.name.slice(0, most - 1)}…` : box.name;
  const label = `${box.name}, ${roleWords[box.role]}: ${formatRate(box.rate)}, ${formatCount(box.items)} items`;
  const props = {
    class: lit ? "flow-box is-lit" : "flow-box",
    "data-row": true,
    onPointerEnter: () => onChoose(box.id),
    onPointerLeave: () => onChoose(""),
    onFocus: () => onChoose(box.id),
    onBlur: () => onChoose(""),
  };
  const content = (
    <g transform={`translate(${at.x - w / 2} ${at.y - h / 2})`}>
      <rect
        class={`node is-${roleWords[box.role]}`}
        width={w}
        height={h}
        rx={box.role === FlowRole.STAGE ? 3 : Math.min(8, h / 2)}
      />
      <text x="12" y={low ? 15 : 17} class="node-name">
        {name}
      </text>
      <text x={low ? w - 8 : 12} y={low ? 15 : 32} class="node-note" text-anchor={low ? "end" : "start"}>
        {formatRate(box.rate)}
        {!low && ` · ${formatCount(box.items)} items`}
      </text>
    </g>
  );
  if (href) {
    return (
      <a href={href} {...props}>
        <title>{label}</title>
        {content}
      </a>
    );
  }
  return (
    // biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: it shows, and does nothing
    <g role="img" tabIndex={0} {...props}>
      <title>{label}</title>
      {content}
    </g>
  );
}

const effectClasses: Record<FlowEffect, string> = {
  [FlowEffect.UNSPECIFIED]: "",
  [FlowEffect.LOSSLESS]: "",
  [FlowEffect.LOSSY]: " is-lossy",
  [FlowEffect.ENRICHING]: " is-enriching",
};

const directionClasses: Record<FlowDirection, string> = {
  [FlowDirection.UNSPECIFIED]: "",
  [FlowDirection.FORWARD]: "",
  [FlowDirection.REVERSE]: " is-reverse",
  [FlowDirection.LATERAL]: " is-lateral",
};

function Way({
  way,
  from,
  bends,
  to,
  spacing,
  labelled,
  lit,
}: {
  way: FlowWay;
  from: Placed | undefined;
  bends: Point[];
  to: Placed | undefined;
  spacing: Spacing;
  /** Says its rate; the boxes of producers say that themselves. */
  labelled: boolean;
  lit: boolean;
}) {
  if (!from || !to || from === to) return null;
  const first = way.edges[0]!;
  const next = bends[0] ?? to;
  const middle = { x: (from.x + next.x) / 2, y: (from.y + next.y) / 2 };
  return (
    <g
      class={`way${effectClasses[way.effect]}${directionClasses[first.direction]}${way.rate > 0 ? "" : " is-idle"}${lit ? " is-lit" : ""}`}
    >
      <title>{way.edges.map(edgeText).join("\n")}</title>
      <path class="call" stroke-width={strokeWidth(way.rate)} d={`${curve(from, bends, to, spacing)}m-6 -4l6 4l-6 4`} />
      {labelled && (
        <text text-anchor="middle">
          <tspan x={middle.x} y={middle.y - 4}>
            {formatRate(way.rate)}
          </tspan>
          {way.effect !== FlowEffect.LOSSLESS && (
            <tspan x={middle.x} y={middle.y + 12}>
              {effectWords[way.effect]}
            </tspan>
          )}
        </text>
      )}
    </g>
  );
}

/** From a hair for nothing to 5 pixels for 100 000 items a second and more. */
function strokeWidth(rate: number): number {
  return 1.2 + Math.min(3.8, Math.log10(1 + Math.max(0, rate)) * 0.76);
}

/** An edge in one line: "spans: 12.5/s, 3 000 since start, filter, lossy, forward". */
export function edgeText(e: FlowEdge): string {
  return [
    `${typeWords[e.type]}: ${formatRate(e.itemsPerSecond)}`,
    `${formatCount(e.items)} since start`,
    transformWords[e.transform],
    effectWords[e.effect],
    flowDirectionWords[e.direction][0],
  ].join(", ");
}

/** What the lines mean. */
export function FlowLegend() {
  const line = (what: string, name: string) => (
    <li key={name}>
      <svg class="flow" viewBox="0 0 30 10" width="30" height="10" aria-hidden="true" focusable="false">
        <g class={`way${what}`}>
          <path class="call" stroke-width="2" d="M1 5H29" />
        </g>
      </svg>
      {name}
    </li>
  );
  return (
    <ul class="legend">
      {[FlowEffect.LOSSLESS, FlowEffect.ENRICHING, FlowEffect.LOSSY].map((e) => line(effectClasses[e], effectWords[e]))}
      {[FlowDirection.FORWARD, FlowDirection.REVERSE, FlowDirection.LATERAL].map((d) =>
        line(directionClasses[d], `${flowDirectionWords[d][0]}, ${flowDirectionWords[d][1]}`),
      )}
    </ul>
  );
}
