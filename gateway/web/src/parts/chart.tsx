import { useRef, useState } from "preact/hooks";
import { ticks } from "../model/number";
import { type Box, fit, formatValue, type Line, nearest, path, x, y } from "../model/series";
import { formatClock } from "../model/time";

/** The shape of a series in a table cell; the figure beside it says the value. */
export function Sparkline({
  line,
  width = 96,
  height = 22,
  tone,
}: {
  line: Line | undefined;
  width?: number;
  height?: number;
  tone?: string;
}) {
  if (!line || line.times.length < 2) return <span class="spark-none" aria-hidden="true" />;
  const box = fit([line], width, height - 2);
  const d = path(line, box);
  return (
    <svg
      class={`spark ${tone ?? ""}`}
      viewBox={`0 -1 ${width} ${height}`}
      width={width}
      height={height}
      aria-hidden="true"
      focusable="false"
    >
      <path class="spark-line" d={d} />
    </svg>
  );
}

/** What a chart shows besides the line. */
export interface Marks {
  /** The usual value, and how far values usually stray. */
  expected?: number;
  scale?: number;
  /** The stretch that is out of the usual. */
  from?: number;
  to?: number;
}

const left = 52;
const bottom = 18;

/** A series over time with the stretch in question marked. A pointer reads off values; the label says the gist. */
export function Chart({
  name,
  line,
  marks = {},
  label,
  height = 120,
}: {
  name: string;
  line: Line;
  marks?: Marks;
  label: string;
  height?: number;
}) {
  const width = 560;
  const box = fit([line], width - left - 8, height - bottom - 6, marks.expected === undefined ? [] : [marks.expected]);
  const [at, setAt] = useState(-1);
  const svg = useRef<SVGSVGElement>(null);
  const read = (e: PointerEvent) => {
    const rect = svg.current!.getBoundingClientRect();
    const share = ((e.clientX - rect.left) / rect.width) * width - left;
    setAt(nearest(line, box.from + (share / box.width) * (box.to - box.from)));
  };
  return (
    <svg
      ref={svg}
      class="chart"
      viewBox={`0 0 ${width} ${height}`}
      role="img"
      aria-label={label}
      onPointerMove={read}
      onPointerLeave={() => setAt(-1)}
    >
      <g transform={`translate(${left} 6)`}>
        <Grid name={name} box={box} />
        <Usual box={box} marks={marks} />
        <path class="chart-line" d={path(line, box)} />
        {at >= 0 && <Reading name={name} box={box} line={line} at={at} />}
      </g>
    </svg>
  );
}

function Grid({ name, box }: { name: string; box: Box }) {
  const step = (box.to - box.from) / 4;
  return (
    <g class="chart-grid">
      {ticks(box.low, box.high, 3).map((v) => (
        <g key={v}>
          <line x1="0" x2={box.width} y1={y(box, v)} y2={y(box, v)} />
          <text x="-8" y={y(box, v) + 3.5} text-anchor="end">
            {formatValue(name, v)}
          </text>
        </g>
      ))}
      {[0.5, 1.5, 2.5, 3.5].map((i) => (
        <text key={i} x={x(box, box.from + i * step)} y={box.height + 15} text-anchor="middle">
          {formatClock(box.from + i * step)}
        </text>
      ))}
    </g>
  );
}

function Usual({ box, marks }: { box: Box; marks: Marks }) {
  const { expected, scale = 0, from, to } = marks;
  const clampY = (v: number) => Math.min(box.height, Math.max(0, y(box, v)));
  return (
    <g>
      {from !== undefined && (
        <rect
          class="chart-window"
          x={Math.max(0, x(box, from))}
          width={Math.max(2, x(box, to ?? box.to) - Math.max(0, x(box, from)))}
          y="0"
          height={box.height}
        />
      )}
      {expected !== undefined && scale > 0 && (
        <rect
          class="chart-band"
          x="0"
          width={box.width}
          y={clampY(expected + 3 * scale)}
          height={Math.max(1, clampY(expected - 3 * scale) - clampY(expected + 3 * scale))}
        />
      )}
      {expected !== undefined && (
        <line class="chart-expected" x1="0" x2={box.width} y1={y(box, expected)} y2={y(box, expected)} />
      )}
    </g>
  );
}

function Reading({ name, box, line, at }: { name: string; box: Box; line: Line; at: number }) {
  const [px, py] = [x(box, line.times[at]!), y(box, line.values[at]!)];
  const end = px > box.width * 0.7;
  return (
    <g class="chart-reading">
      <line x1={px} x2={px} y1="0" y2={box.height} />
      <circle cx={px} cy={py} r="3" />
      <text x={end ? px - 7 : px + 7} y="9" text-anchor={end ? "end" : "start"}>
        {formatValue(name, line.values[at]!)} at {formatClock(line.times[at]!)}
      </text>
    </g>
  );
}
