import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { ResourceSpansSchema } from "../gen/opentelemetry/proto/trace/v1/trace_pb";
import { SpanNoteSchema } from "../gen/triflow/assembly/v1/assembly_pb";
import { criticalRows, positionOf, visibleRows, wholeView, zoom } from "./timeline";
import { buildTrace } from "./trace";

const id = (n: number) => new Uint8Array(8).fill(n);
/** Milliseconds that the times of a span are after; none is one that was not sent. */
const epoch = 1000;
const none = -epoch;
const nano = (ms: number) => BigInt(epoch + ms) * 1_000_000n;
const span = (n: number, parent: number, from: number, to: number) => ({
  parent,
  span: {
    spanId: id(n),
    name: `s${n}`,
    startTimeUnixNano: nano(from),
    endTimeUnixNano: nano(to),
  },
});
/** A trace whose notes name the parent by its number; one that is not there leaves the span at the top level. */
const build = (...spans: ReturnType<typeof span>[]) =>
  buildTrace(
    [create(ResourceSpansSchema, { scopeSpans: [{ spans: spans.map((s) => s.span) }] })],
    spans.map((s) => {
      const parent = spans.findIndex((other) => other.span.name === `s${s.parent}`);
      return create(SpanNoteSchema, parent < 0 ? {} : { parent });
    }),
  );
const names = (t: ReturnType<typeof build>) => t.sources.map((s) => s.span.name);

test("children follow their parent in order of their start, whatever order they came in", () => {
  const t = build(span(3, 1, 20, 30), span(4, 2, 6, 8), span(2, 1, 5, 10), span(1, 0, 0, 40));
  expect(names(t)).toEqual(["s1", "s2", "s4", "s3"]);
  expect([...t.depth]).toEqual([0, 1, 2, 1]);
  expect([...t.subtree]).toEqual([4, 2, 1, 1]);
  expect(t.length).toBe(40);
});

test("a span at the top level has no parent, whatever it names", () => {
  const t = build(span(1, 0, 0, 10), span(2, 9, 3, 5));
  expect([...t.parent]).toEqual([-1, -1]);
});

test("a span that shares its id with its parent has a row of its own", () => {
  const [client, server] = [span(1, 0, 1, 10), span(2, 1, 2, 9)];
  server.span.spanId = id(1);
  const t = build(client, server, span(3, 2, 3, 4));
  expect(names(t)).toEqual(["s1", "s2", "s3"]);
  expect([...t.depth]).toEqual([0, 1, 2]);
  expect(t.keys.map((key) => t.rowOf.get(key))).toEqual([0, 1, 2]);
});

test("spans with impossible times neither stretch the trace nor last below nothing", () => {
  const t = build(
    span(1, 0, 0, 40),
    span(2, 1, 20, 10),
    span(3, 1, 30, none),
    span(4, 1, none, none),
    span(5, 1, none, 35),
  );
  expect(names(t)).toEqual(["s1", "s2", "s3", "s5", "s4"]);
  expect([t.base, t.length]).toEqual([epoch, 40]);
  expect([...t.start]).toEqual([0, 20, 30, 35, 0]);
  expect([...t.duration]).toEqual([40, 0, 0, 0, 0]);
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
    startTime: { seconds: 1n, nanos: from * 1e6 },
    duration: { seconds: 0n, nanos: 5e6 },
  });
  const rows = criticalRows(t, [segment("01".repeat(8), 0), segment("", 10)] as never);
  expect(rows.byRow.get(0)).toEqual([{ from: 0, to: 5 }]);
  expect(rows.gaps).toEqual([{ from: 10, to: 15 }]);
});

test("the critical path of a shared id lies on the row of the service that it names", () => {
  const sent = [span(1, 0, 0, 40).span, span(1, 0, 10, 30).span];
  const of = (service: string, i: number) => ({
    resource: {
      attributes: [{ key: "service.name", value: { value: { case: "stringValue" as const, value: service } } }],
    },
    scopeSpans: [{ spans: [sent[i]!] }],
  });
  const t = buildTrace(
    [create(ResourceSpansSchema, of("front", 0)), create(ResourceSpansSchema, of("back", 1))],
    [create(SpanNoteSchema, {}), create(SpanNoteSchema, { parent: 0 })],
  );
  const segment = {
    spanId: "01".repeat(8),
    startTime: { seconds: 1n, nanos: 10e6 },
    duration: { seconds: 0n, nanos: 5e6 },
  };
  expect(criticalRows(t, [{ ...segment, service: "back" }] as never).order).toEqual([1]);
  expect(criticalRows(t, [{ ...segment, service: "front" }] as never).order).toEqual([0]);
});
