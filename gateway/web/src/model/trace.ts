// A trace as columns in pre-order: the parent of a span comes before it, and its subtree is the run of rows after it.
//
// What hangs under what is told by the service, in the notes, so that the page shows the same tree as everybody else: every
// span has one row, whatever came. An orphan, and the span at which a cycle is cut, stands at the top level.

import type { InstrumentationScope } from "../gen/opentelemetry/proto/common/v1/common_pb";
import type { Resource } from "../gen/opentelemetry/proto/resource/v1/resource_pb";
import type { ResourceSpans, Span } from "../gen/opentelemetry/proto/trace/v1/trace_pb";
import { Span_SpanKind, Status_StatusCode } from "../gen/opentelemetry/proto/trace/v1/trace_pb";
import type { SpanNote } from "../gen/triflow/assembly/v1/assembly_pb";
import { attribute } from "./attributes";
import { hex } from "./hex";

/** A span as it came, with what it came under and what the service says of it. */
export interface Source {
  span: Span;
  scope: InstrumentationScope | undefined;
  resource: Resource | undefined;
  note: SpanNote | undefined;
}

/** Columns over the spans of a trace; row i of one belongs to row i of the others. */
export interface Trace {
  size: number;
  /** Earliest time of a span, nanoseconds since the epoch; and the same in milliseconds, for showing it. */
  baseNano: bigint;
  base: number;
  /** Latest end minus earliest start, milliseconds. */
  length: number;
  /** Milliseconds after base; 0 for a span without any time. */
  start: Float64Array;
  /** Milliseconds; 0 when the span's times do not give one. */
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
  ids: string[];
  sources: Source[];
  /** Names in order of first appearance by row. */
  services: string[];
  /** What names a row in an address: its span's id, with the row besides where an earlier one has the id too. */
  keys: string[];
  /** Row by key. */
  rowOf: Map<string, number>;
}

/** Builds the columns. notes are of the spans in their order, and lead every span to the top level. */
export function buildTrace(resourceSpans: readonly ResourceSpans[], notes: readonly SpanNote[]): Trace {
  const sources = flatten(resourceSpans, notes);
  const parents = Int32Array.from(sources, (s) => s.note?.parent ?? -1);
  return columns(sources, parents, preorder(sources, parents));
}

function flatten(resourceSpans: readonly ResourceSpans[], notes: readonly SpanNote[]): Source[] {
  const out: Source[] = [];
  for (const rs of resourceSpans)
    for (const ss of rs.scopeSpans)
      for (const span of ss.spans) out.push({ span, scope: ss.scope, resource: rs.resource, note: notes[out.length] });
  return out;
}

/** The start of a span, or else its end; 0 for one without any time. */
function startOf({ span }: Source): bigint {
  return span.startTimeUnixNano || span.endTimeUnixNano;
}

function preorder(sources: Source[], parents: Int32Array): number[] {
  const children: number[][] = sources.map(() => []);
  const tops: number[] = [];
  parents.forEach((p, i) => {
    (children[p] ?? tops).push(i);
  });
  const timeless = 1n << 64n;
  const byStart = (a: number, b: number) =>
    compare(startOf(sources[a]!) || timeless, startOf(sources[b]!) || timeless) || a - b;
  for (const c of [tops, ...children]) if (c.length > 1) c.sort(byStart);

  const order: number[] = [];
  for (const stack = tops.reverse(); stack.length > 0; ) {
    const i = stack.pop()!;
    order.push(i);
    const c = children[i]!;
    for (let k = c.length - 1; k >= 0; k--) stack.push(c[k]!);
  }
  return order;
}

function columns(sources: Source[], parents: Int32Array, order: number[]): Trace {
  const size = order.length;
  let [first, last] = [0n, 0n];
  for (const s of sources) {
    const start = startOf(s);
    if (start !== 0n && (first === 0n || start < first)) first = start;
    for (const time of [start, s.span.endTimeUnixNano]) if (time > last) last = time;
  }
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
    ids: order.map((i) => hex(sources[i]!.span.spanId)),
    sources: order.map((i) => sources[i]!),
    services: [],
    keys: [],
    rowOf: new Map(),
  };
  order.forEach((i, row) => {
    const { span, resource } = sources[i]!;
    const start = startOf(sources[i]!);
    if (start !== 0n) {
      t.start[row] = Number(start - first) / 1e6;
      t.duration[row] = Math.max(0, Number(span.endTimeUnixNano - start)) / 1e6;
    }
    t.error[row] = span.status?.code === Status_StatusCode.ERROR ? 1 : 0;
    t.parent[row] = parents[i]! < 0 ? -1 : rowOfIndex[parents[i]!]!;
    t.depth[row] = t.parent[row]! < 0 ? 0 : t.depth[t.parent[row]!]! + 1;
    let service = resourceService.get(resource);
    if (service === undefined) {
      const name = attribute(resource?.attributes ?? [], "service.name") ?? "unknown";
      service = services.get(name) ?? services.size;
      services.set(name, service);
      resourceService.set(resource, service);
    }
    t.service[row] = service;
    t.keys.push(t.rowOf.has(t.ids[row]!) ? `${t.ids[row]}.${row}` : t.ids[row]!);
    t.rowOf.set(t.keys[row]!, row);
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
