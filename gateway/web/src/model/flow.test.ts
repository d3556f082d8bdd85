import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import {
  FlowDirection,
  FlowEdgeSchema,
  FlowEffect,
  FlowNodeSchema,
  FlowRole,
} from "../gen/triflow/ingestion/v1/ingestion_pb";
import { flowPicture, others, throughBox } from "./flow";
import { layout } from "./graph";

const node = (id: string, role: FlowRole) => create(FlowNodeSchema, { id, name: id, role });
const edge = (from: string, to: string, items: number, effect = FlowEffect.LOSSLESS) =>
  create(FlowEdgeSchema, {
    from,
    to,
    items: BigInt(items),
    itemsPerSecond: items / 10,
    effect,
    direction: FlowDirection.FORWARD,
  });

const nodes = [
  ...["a", "b", "c"].map((id) => node(id, FlowRole.PRODUCER)),
  node("received", FlowRole.STAGE),
  node("filter", FlowRole.STAGE),
  node("service", FlowRole.SINK),
  node("dropped", FlowRole.SINK),
];
const edges = [
  edge("a", "received", 10),
  edge("b", "received", 30),
  edge("c", "received", 20),
  edge("received", "filter", 60),
  edge("filter", "service", 50, FlowEffect.LOSSY),
  edge("filter", "dropped", 10, FlowEffect.LOSSY),
];

test("a producer counts what leaves it, anything else what comes to it", () => {
  const { boxes } = flowPicture(nodes, [...edges, edge("service", "a", 1)], 10);
  const items = Object.fromEntries(boxes.map((b) => [b.id, Number(b.items)]));
  expect(items).toEqual({ a: 10, b: 30, c: 20, received: 60, filter: 60, service: 50, dropped: 10 });
});

test("the smallest producers are folded into one box, and nothing of theirs is lost", () => {
  const { boxes, ways, ends, folded } = flowPicture(nodes, edges, 2);
  expect(boxes.filter((b) => b.role === FlowRole.PRODUCER).map((b) => b.id)).toEqual(["b", others]);
  const rest = boxes.find((b) => b.id === others)!;
  expect([Number(rest.items), rest.rate]).toEqual([30, 3]);
  expect(folded.map((b) => b.id)).toEqual(["c", "a"]);
  expect(ways.filter((w) => w.client === others).map((w) => [w.edges.length, w.rate])).toEqual([[2, 3]]);
  expect(ends.get(others)).toBe("first");
});

test("edges between the same two nodes are one line with the effect that takes most away", () => {
  const both = [edge("filter", "service", 1, FlowEffect.ENRICHING), edge("filter", "service", 2, FlowEffect.LOSSY)];
  const { ways } = flowPicture(nodes, [...both, edge("filter", "service", 3)], 10);
  expect(ways.map((w) => [w.edges.length, w.effect])).toEqual([[3, FlowEffect.LOSSY]]);
});

test("a node that comes twice is one box, and an edge to nowhere no line", () => {
  const { boxes, ways } = flowPicture([...nodes, node("received", FlowRole.STAGE)], [edge("a", "gone", 1)], 10);
  expect(boxes.length).toBe(nodes.length);
  expect(ways).toEqual([]);
});

test("the ways through a box lead from its producers to its sinks", () => {
  const { ways } = flowPicture(nodes, edges, 10);
  const through = (id: string) => [...throughBox(ways, id)].sort().map((i) => `${ways[i]!.client} ${ways[i]!.server}`);
  expect(through("a")).toEqual(["a received", "received filter", "filter service", "filter dropped"]);
  expect(through("dropped")).toEqual(["a received", "b received", "c received", "received filter", "filter dropped"]);
  expect(through("nowhere")).toEqual([]);
});

test("two hundred producers of three signals are placed without overlap", () => {
  const producers = Array.from({ length: 200 }, (_, i) => node(`p${i}`, FlowRole.PRODUCER));
  const stages = ["traces", "logs", "metrics"].map((id) => node(id, FlowRole.STAGE));
  const all = [...producers, ...stages, node("service", FlowRole.SINK)];
  const flows = producers.flatMap((p) => stages.map((s) => edge(p.id, s.id, 1)));
  const { boxes, ways, ends } = flowPicture(
    all,
    [...flows, ...stages.map((s) => edge(s.id, "service", 200))],
    Number.POSITIVE_INFINITY,
  );
  const spacing = { nodeWidth: 100, nodeHeight: 20, layerGap: 50, nodeGap: 4 };
  const drawing = layout(
    boxes.map((b) => b.id),
    ways,
    spacing,
    ends,
  );
  const column = [...drawing.nodes.values()].filter((n) => n.layer === 0).sort((a, b) => a.y - b.y);
  expect(column.length).toBe(200);
  column.slice(1).forEach((n, i) => {
    expect(n.y - column[i]!.y).toBeGreaterThanOrEqual(spacing.nodeHeight);
  });
});
