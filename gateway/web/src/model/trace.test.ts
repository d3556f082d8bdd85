import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { ResourceSpansSchema } from "../gen/opentelemetry/proto/trace/v1/trace_pb";
import { criticalRows, positionOf, visibleRows, wholeView, zoom } from "./timeline";
import { buildTrace, Place } from "./trace";

const id = (n: number) => new Uint8Array(8).fill(n);
const span = (n: number, parent: number, from: number, to: number) => ({
  spanId: id(n),
  parentSpanId: parent ? id(parent) : new Uint8Array(),
  name: `s${n}`,
  startTimeUnixNano: BigInt(from) * 1_000_000n,
  endTimeUnixNano: BigInt(to) * 1_000_000n,
});
const build = (...spans: ReturnType<typeof span>[]) =>
  buildTrace([create(ResourceSpansSchema, { scopeSpans: [{ spans }] })]);
const names = (t: ReturnType<typeof build>) => t.sources.map((s) => s.span.name);

test("children follow their parent in order of their start, whatever order they came in", () => {
  const t = build(span(3, 1, 20, 30), span(4, 2, 6, 8), span(2, 1, 5, 10), span(1, 0, 0, 40));
  expect(names(t)).toEqual(["s1", "s2", "s4", "s3"]);
  expect([...t.depth]).toEqual([0, 1, 2, 1]);
  expect([...t.subtree]).toEqual([4, 2, 1, 1]);
  expect(t.length).toBe(40);
});

test("a span whose parent never came stands at the top and is called an orphan", () => {
  const t = build(span(1, 0, 0, 10), span(2, 9, 3, 5));
  expect([...t.place]).toEqual([Place.Root, Place.Orphan]);
});

test("spans that are each other's ancestors keep one row each", () => {
  const t = build(span(1, 2, 0, 10), span(2, 1, 1, 9), span(3, 2, 2, 3));
  expect(names(t)).toEqual(["s1", "s2", "s3"]);
  expect(t.place[0]).toBe(Place.CycleBreak);
});

test("an empty trace has no rows and still something to divide by", () => {
  const t = build();
  expect(t.size).toBe(0);
  expect(wholeView(t).to).toBeGreaterThan(0);
});

test("a collapsed branch hides its subtree, and a hidden row is found at its ancestor", () => {
  const t = build(span(1, 0, 0, 40), span(2, 1, 5, 10), span(3, 2, 6, 8), span(4, 1, 20, 30));
  const visible = visibleRows(t, new Set([1]));
  expect([...visible]).toEqual([0, 1, 3]);
  expect(positionOf(visible, 2)).toBe(1);
});

test("zooming stays inside the trace", () => {
  const whole = { from: 0, to: 100 };
  expect(zoom(whole, 0.5, 0, whole)).toEqual({ from: 0, to: 50 });
  expect(zoom({ from: 0, to: 50 }, 10, 25, whole)).toEqual(whole);
});

test("the critical path lies on the rows of its spans, and what no span covers is a gap", () => {
  const t = build(span(1, 0, 0, 40));
  const segment = (spanId: string, from: number) => ({
    spanId,
    startTime: { seconds: 0n, nanos: from * 1e6 },
    duration: { seconds: 0n, nanos: 5e6 },
  });
  const rows = criticalRows(t, [segment("01".repeat(8), 0), segment("", 10)] as never);
  expect(rows.byRow.get(0)).toEqual([{ from: 0, to: 5 }]);
  expect(rows.gaps).toEqual([{ from: 10, to: 15 }]);
});
