import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { useKeys } from "../keys";
import { hueOf } from "../model/colors";
import { formatDuration } from "../model/time";
import {
  branches,
  type CriticalRows,
  findRow,
  pan,
  positionOf,
  timeTicks,
  type View,
  visibleRows,
  wholeView,
  zoom,
} from "../model/timeline";
import type { Trace } from "../model/trace";

const rowHeight = 26;
const spare = 12;

/**
 * The spans of a trace over time, as a tree. Only the rows in sight are in the document, so that a trace of many
 * thousand spans scrolls as one of ten.
 */
export function Waterfall({
  trace,
  critical,
  row,
  onRow,
  fade,
  onFade,
}: {
  trace: Trace;
  critical: CriticalRows;
  row: number;
  onRow: (row: number) => void;
  fade: boolean;
  onFade: (fade: boolean) => void;
}) {
  const [collapsed, setCollapsed] = useState<ReadonlySet<number>>(new Set());
  const [top, setTop] = useState(0);
  const [view, setView] = useState<View>(wholeView(trace));
  const box = useRef<HTMLDivElement>(null);
  const visible = useMemo(() => visibleRows(trace, collapsed), [trace, collapsed]);
  const hues = useMemo(() => hueOf(trace.services), [trace]);
  useEffect(() => setView(wholeView(trace)), [trace]);

  const at = Math.max(0, positionOf(visible, row));
  const show = (r: number) => {
    if (r < 0) return;
    onRow(r);
    const y = positionOf(visible, r) * rowHeight;
    const b = box.current;
    if (b && (y < b.scrollTop || y > b.scrollTop + b.clientHeight - rowHeight)) b.scrollTop = y - b.clientHeight / 2;
  };
  const fold = (r: number, close: boolean) => {
    const next = new Set(collapsed);
    if (close) next.add(r);
    else next.delete(r);
    setCollapsed(next);
  };
  const step = (by: 1 | -1, test: (r: number) => boolean) => () => show(findRow(trace, row, by, test));
  const onPath = (r: number) => critical.byRow.has(r);
  const failed = (r: number) => trace.error[r] === 1;
  const whole = wholeView(trace);
  const middle = (view.from + view.to) / 2;
  useKeys({
    ArrowDown: () => show(visible[row < 0 ? 0 : Math.min(at + 1, visible.length - 1)] ?? -1),
    ArrowUp: () => show(visible[Math.max(at - 1, 0)] ?? -1),
    ArrowLeft: () =>
      row < 0 ? undefined : trace.subtree[row]! > 1 && !collapsed.has(row) ? fold(row, true) : show(trace.parent[row]!),
    ArrowRight: () => (collapsed.has(row) ? fold(row, false) : undefined),
    "[": () => setCollapsed(branches(trace)),
    "]": () => setCollapsed(new Set()),
    c: () => onFade(!fade),
    n: step(1, onPath),
    N: step(-1, onPath),
    e: step(1, failed),
    E: step(-1, failed),
    w: () => setView(zoom(view, 0.5, middle, whole)),
    s: () => setView(zoom(view, 2, middle, whole)),
    a: () => setView(pan(view, -0.25, whole)),
    f: () => setView(pan(view, 0.25, whole)),
    "0": () => setView(whole),
  });

  const height = Math.min(visible.length * rowHeight, 560);
  const first = Math.max(0, Math.floor(top / rowHeight) - spare);
  const last = Math.min(visible.length, first + Math.ceil(height / rowHeight) + 2 * spare);
  return (
    <div class={fade ? "waterfall is-faded" : "waterfall"}>
      <div class="wf-axis" aria-hidden="true">
        {timeTicks(view, 5).map((t) => (
          <span key={t} style={{ left: percent(view, t) }}>
            {formatDuration(t)}
          </span>
        ))}
      </div>
      <div
        ref={box}
        class="wf-rows"
        role="tree"
        aria-label="Spans"
        tabIndex={0}
        aria-activedescendant={row >= 0 ? `span-${row}` : undefined}
        style={{ height: `${height}px` }}
        onScroll={(e) => setTop(e.currentTarget.scrollTop)}
      >
        <div role="presentation" style={{ height: `${first * rowHeight}px` }} />
        {Array.from(visible.subarray(first, last), (r) => (
          <Row
            key={r}
            trace={trace}
            row={r}
            view={view}
            hue={hues.get(trace.services[trace.service[r]!]!) ?? 0}
            path={critical.byRow.get(r) ?? []}
            chosen={r === row}
            closed={collapsed.has(r)}
            onChoose={() => onRow(r)}
            onFold={() => fold(r, !collapsed.has(r))}
          />
        ))}
        <div role="presentation" style={{ height: `${(visible.length - last) * rowHeight}px` }} />
      </div>
    </div>
  );
}

function Row({
  trace,
  row,
  view,
  hue,
  path,
  chosen,
  closed,
  onChoose,
  onFold,
}: {
  trace: Trace;
  row: number;
  view: View;
  hue: number;
  path: { from: number; to: number }[];
  chosen: boolean;
  closed: boolean;
  onChoose: () => void;
  onFold: () => void;
}) {
  const branch = trace.subtree[row]! > 1;
  const [start, length] = [trace.start[row]!, Math.max(0, trace.duration[row]!)];
  const service = trace.services[trace.service[row]!];
  const { span } = trace.sources[row]!;
  return (
    // biome-ignore lint/a11y/useFocusableInteractive: the tree has the focus and names its active row
    // biome-ignore lint/a11y/useKeyWithClickEvents: the tree handles the keys for its rows
    <div
      id={`span-${row}`}
      class={`wf-row${chosen ? " is-chosen" : ""}${path.length ? " is-critical" : ""}`}
      role="treeitem"
      aria-level={trace.depth[row]! + 1}
      aria-selected={chosen}
      aria-expanded={branch ? !closed : undefined}
      onClick={onChoose}
    >
      <span class="wf-name" style={{ paddingLeft: `${8 + Math.min(trace.depth[row]!, 24) * 13}px` }}>
        <span
          class="wf-fold"
          aria-hidden="true"
          onClick={(e) => {
            e.stopPropagation();
            onFold();
          }}
        >
          {branch ? (closed ? "▸" : "▾") : ""}
        </span>
        <strong>{service}</strong> {span.name}
        {trace.error[row] === 1 && (
          <span class="tone-bad">
            <span aria-hidden="true"> ◆</span>
            <span class="sr"> error</span>
          </span>
        )}
        {path.length > 0 && <span class="sr"> on the critical path</span>}
      </span>
      <span class="wf-track">
        <span
          class={`wf-bar hue-${hue}`}
          style={{ left: percent(view, start), width: `max(2px, ${(length / (view.to - view.from)) * 100}%)` }}
        />
        {path.map((p) => (
          <span
            key={p.from}
            class="wf-critical"
            style={{
              left: percent(view, p.from),
              width: `max(2px, ${((p.to - p.from) / (view.to - view.from)) * 100}%)`,
            }}
          />
        ))}
      </span>
      <span class="wf-length">{formatDuration(trace.duration[row]!)}</span>
    </div>
  );
}

function percent(view: View, time: number): string {
  return `${((time - view.from) / (view.to - view.from)) * 100}%`;
}
