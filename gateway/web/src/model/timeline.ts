// What of a trace is on the screen: rows, the stretch of time, and the critical path on it.

import type { Segment } from "../gen/triflow/assembly/v1/assembly_pb";
import { niceStep } from "./number";
import { durationMillis, nanos } from "./time";
import type { Trace } from "./trace";

/** Rows that no collapsed ancestor hides, in order. */
export function visibleRows(trace: Trace, collapsed: ReadonlySet<number>): Int32Array {
  const out = new Int32Array(trace.size);
  let n = 0;
  for (let row = 0; row < trace.size; ) {
    out[n++] = row;
    row += collapsed.has(row) ? trace.subtree[row]! : 1;
  }
  return out.subarray(0, n);
}

/** Position of a row among the visible ones; of its nearest visible ancestor when it is hidden. */
export function positionOf(visible: Int32Array, row: number): number {
  let [low, high] = [0, visible.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (visible[middle]! <= row) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The rows with children, which can be collapsed. */
export function branches(trace: Trace): Set<number> {
  const out = new Set<number>();
  for (let row = 0; row < trace.size; row++) if (trace.subtree[row]! > 1) out.add(row);
  return out;
}

/** A stretch of a trace's time, milliseconds after its base. */
export interface View {
  from: number;
  to: number;
}

/** The whole trace; at least a microsecond, so that there is something to divide by. */
export function wholeView(trace: Trace): View {
  return { from: 0, to: Math.max(trace.length, 0.001) };
}

/** Zooms by a factor around a point, kept inside the trace and no narrower than a microsecond. */
export function zoom(view: View, factor: number, around: number, whole: View): View {
  const width = Math.min(whole.to - whole.from, Math.max(0.001, (view.to - view.from) * factor));
  const share = (around - view.from) / (view.to - view.from);
  return clamp({ from: around - share * width, to: around - share * width + width }, whole);
}

/** Moves by a share of its width, kept inside the trace. */
export function pan(view: View, share: number, whole: View): View {
  const by = (view.to - view.from) * share;
  return clamp({ from: view.from + by, to: view.to + by }, whole);
}

function clamp(view: View, whole: View): View {
  const width = view.to - view.from;
  const from = Math.min(Math.max(view.from, whole.from), whole.to - width);
  return { from, to: from + width };
}

/** Round times within the view, milliseconds after base, about count of them. */
export function timeTicks(view: View, count: number): number[] {
  const step = niceStep((view.to - view.from) / count);
  const out: number[] = [];
  for (let i = Math.ceil(view.from / step); i * step < view.to; i++) out.push(i * step);
  return out;
}

/** A stretch of the critical path on one row. */
export interface Stretch {
  from: number;
  to: number;
}

/** The critical path laid over a trace. */
export interface CriticalRows {
  /** Stretches by row, in order of time. */
  byRow: Map<number, Stretch[]>;
  /** Rows in the order in which the path meets them. */
  order: number[];
  /** Stretches that no span covers. */
  gaps: Stretch[];
}

/** Lays the segments over the rows. Segments of spans that the trace does not hold count as gaps. */
export function criticalRows(trace: Trace, segments: readonly Segment[]): CriticalRows {
  const out: CriticalRows = { byRow: new Map(), order: [], gaps: [] };
  const key = (id: string, service: string) => `${id} ${service}`; // a client and its server may share an id
  const rows = new Map(trace.ids.map((id, row) => [key(id, trace.services[trace.service[row]!]!), row]));
  for (const s of segments) {
    const from = Number(nanos(s.startTime) - trace.baseNano) / 1e6;
    const stretch = { from, to: from + durationMillis(s.duration) };
    const row = rows.get(key(s.spanId, s.service)) ?? trace.rowOf.get(s.spanId);
    if (row === undefined) {
      out.gaps.push(stretch);
      continue;
    }
    out.order.push(row);
    const list = out.byRow.get(row);
    if (list) list.push(stretch);
    else out.byRow.set(row, [stretch]);
  }
  return out;
}

/** The next row after (step 1) or before (step −1) the given one that fulfils the test; −1 when there is none. */
export function findRow(trace: Trace, from: number, step: 1 | -1, test: (row: number) => boolean): number {
  for (let row = from + step; row >= 0 && row < trace.size; row += step) if (test(row)) return row;
  return -1;
}
