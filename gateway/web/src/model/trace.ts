// A trace as columns in pre-order: the parent of a span comes before it, and its subtree is the run of rows after it.
//
// What comes in may be broken: parents that never came, several roots, spans that are each other's ancestors, ids used
// twice. Every span still gets exactly one row. An orphan, and the earliest span of a cycle, stands at the top level.

import type { InstrumentationScope } from "../gen/opentelemetry/proto/common/v1/common_pb";
import type { Resource } from "../gen/opentelemetry/proto/resource/v1/resource_pb";
import type { ResourceSpans, Span } from "../gen/opentelemetry/proto/trace/v1/trace_pb";
import { Span_SpanKind, Status_StatusCode } from "../gen/opentelemetry/proto/trace/v1/trace_pb";
import { attribute } from "./attributes";
import { hex } from "./hex";

/** A span as it came, with what it came under. */
export interface Source {
  span: Span;
  scope: InstrumentationScope | undefined;
  resource: Resource | undefined;
}

/** How a span stands in the tree. */
export const Place = { Child: 0, Root: 1, Orphan: 2, CycleBreak: 3 } as const;

/** Columns over the spans of a trace; row i of one belongs to row i of the others. */
export interface Trace {
  size: number;
  /** Start of the earliest span, nanoseconds since the epoch; and the same in milliseconds, for showing it. */
  baseNano: bigint;
  base: number;
  /** Latest end minus earliest start, milliseconds. */
  length: number;
  /** Milliseconds after base. */
  start: Float64Array;
  /** Milliseconds; below 0 when the span ends before it starts. */
  duration: Float64Array;
  /** Row of the parent; −1 at the top level. */
  parent: Int32Array;
  depth: Int32Array;
  /** Rows of the subtree, itself included. */
  subtree: Int32Array;
  /** Index into services. */
  service: Int32Array;
  /** 1 for error status. */
  error: Uint8Array;
  /** One of Place. */
  place: Uint8Array;
  ids: string[];
  sources: Source[];
  /** Names in order of first appearance by row. */
  services: string[];
  /** Row by span id; the first one when an id was used twice. */
  rowOf: Map<string, number>;
}

/** Builds the columns. Never throws, and keeps every span. */
export function buildTrace(resourceSpans: readonly ResourceSpans[]): Trace {
  const sources = flatten(resourceSpans);
  const ids = sources.map((s) => hex(s.span.spanId));
  const parents = parentIndexes(sources, ids);
  const { order, place } = preorder(sources, parents);
  return columns(sources, ids, parents, order, place);
}

function flatten(resourceSpans: readonly ResourceSpans[]): Source[] {
  const out: Source[] = [];
  for (const rs of resourceSpans)
    for (const ss of rs.scopeSpans)
      for (const span of ss.spans) out.push({ span, scope: ss.scope, resource: rs.resource });
  return out;
}

const noParent = -1;
const missingParent = -2;

function parentIndexes(sources: Source[], ids: string[]): Int32Array {
  const byId = new Map<string, number>();
  ids.forEach((id, i) => {
    if (!byId.has(id)) byId.set(id, i);
  });
  return Int32Array.from(sources, (s, i) => {
    const parentId = hex(s.span.parentSpanId);
    if (parentId === "" || /^0+$/.test(parentId)) return noParent;
    const parent = byId.get(parentId);
    // A second span with its parent's id, or its own parent: a cycle of one.
    return parent === undefined ? missingParent : parent === i ? i : parent;
  });
}

function preorder(sources: Source[], parents: Int32Array): { order: number[]; place: Uint8Array } {
  const children: number[][] = sources.map(() => []);
  const tops: number[] = [];
  const place = new Uint8Array(sources.length);
  parents.forEach((p, i) => {
    if (p >= 0) {
      children[p]!.push(i);
      return;
    }
    place[i] = p === noParent ? Place.Root : Place.Orphan;
    tops.push(i);
  });
  const byStart = (a: number, b: number) =>
    compare(sources[a]!.span.startTimeUnixNano, sources[b]!.span.startTimeUnixNano) || a - b;
  for (const c of children) if (c.length > 1) c.sort(byStart);
  tops.sort(byStart);

  const order: number[] = [];
  const seen = new Uint8Array(sources.length);
  const walk = (top: number) => {
    const stack = [top];
    while (stack.length > 0) {
      const i = stack.pop()!;
      if (seen[i]) continue;
      seen[i] = 1;
      order.push(i);
      const c = children[i]!;
      for (let k = c.length - 1; k >= 0; k--) if (!seen[c[k]!]) stack.push(c[k]!);
    }
  };
  tops.forEach(walk);
  // What no top reaches hangs on a cycle. Only spans on the cycle itself may break it, or their subtree would fall apart.
  const left = sources.map((_, i) => i).filter((i) => !seen[i]);
  left.sort(byStart);
  const onCycle = cycleMembers(left, parents);
  for (const i of left) {
    if (seen[i] || !onCycle.has(i)) continue;
    place[i] = Place.CycleBreak;
    walk(i);
  }
  return { order, place };
}

function cycleMembers(left: number[], parents: Int32Array): Set<number> {
  const members = new Set<number>();
  const mark = new Map<number, number>(); // span → the walk that met it
  for (const from of left) {
    let i = from;
    while (!mark.has(i)) {
      mark.set(i, from);
      i = parents[i]!;
    }
    if (mark.get(i) !== from) continue;
    for (let j = i; !members.has(j); j = parents[j]!) members.add(j);
  }
  return members;
}

function columns(sources: Source[], ids: string[], parents: Int32Array, order: number[], place: Uint8Array): Trace {
  const size = order.length;
  let [first, last] = [0n, 0n];
  sources.forEach(({ span }, i) => {
    if (i === 0 || span.startTimeUnixNano < first) first = span.startTimeUnixNano;
    if (span.endTimeUnixNano > last) last = span.endTimeUnixNano;
  });
  const rowOfIndex = new Int32Array(size);
  order.forEach((i, row) => {
    rowOfIndex[i] = row;
  });
  const services = new Map<string, number>();
  const resourceService = new Map<Resource | undefined, number>();
  const t: Trace = {
    size,
    baseNano: first,
    base: Number(first) / 1e6,
    length: last > first ? Number(last - first) / 1e6 : 0,
    start: new Float64Array(size),
    duration: new Float64Array(size),
    parent: new Int32Array(size),
    depth: new Int32Array(size),
    subtree: new Int32Array(size).fill(1),
    service: new Int32Array(size),
    error: new Uint8Array(size),
    place: new Uint8Array(size),
    ids: order.map((i) => ids[i]!),
    sources: order.map((i) => sources[i]!),
    services: [],
    rowOf: new Map(),
  };
  order.forEach((i, row) => {
    const { span, resource } = sources[i]!;
    t.start[row] = Number(span.startTimeUnixNano - first) / 1e6;
    t.duration[row] = Number(span.endTimeUnixNano - span.startTimeUnixNano) / 1e6;
    t.error[row] = span.status?.code === Status_StatusCode.ERROR ? 1 : 0;
    t.place[row] = place[i]!;
    t.parent[row] = place[i] === Place.Child ? rowOfIndex[parents[i]!]! : -1;
    t.depth[row] = t.parent[row]! < 0 ? 0 : t.depth[t.parent[row]!]! + 1;
    let service = resourceService.get(resource);
    if (service === undefined) {
      const name = attribute(resource?.attributes ?? [], "service.name") ?? "unknown";
      service = services.get(name) ?? services.size;
      services.set(name, service);
      resourceService.set(resource, service);
    }
    t.service[row] = service;
    if (!t.rowOf.has(t.ids[row]!)) t.rowOf.set(t.ids[row]!, row);
  });
  for (let row = size - 1; row >= 0; row--) if (t.parent[row]! >= 0) t.subtree[t.parent[row]!]! += t.subtree[row]!;
  t.services = [...services.keys()];
  return t;
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A span's kind in a word. */
export function kindWord(kind: Span_SpanKind): string {
  switch (kind) {
    case Span_SpanKind.SERVER:
      return "server";
    case Span_SpanKind.CLIENT:
      return "client";
    case Span_SpanKind.PRODUCER:
      return "producer";
    case Span_SpanKind.CONSUMER:
      return "consumer";
    case Span_SpanKind.INTERNAL:
      return "internal";
    default:
      return "unspecified";
  }
}
