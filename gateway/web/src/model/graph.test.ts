import { expect, test } from "vitest";
import { layout } from "./graph";

const spacing = { nodeWidth: 100, nodeHeight: 40, layerGap: 50, nodeGap: 10 };

test("callers stand left of what they call", () => {
  const drawing = layout(
    ["db", "cart", "web"],
    [
      { client: "web", server: "cart" },
      { client: "cart", server: "db" },
    ],
    spacing,
  );
  const x = (n: string) => drawing.nodes.get(n)!.x;
  expect(x("web")).toBeLessThan(x("cart"));
  expect(x("cart")).toBeLessThan(x("db"));
});

test("a cycle, a call to itself and an unknown node do not stop the drawing", () => {
  const links = [
    { client: "a", server: "b" },
    { client: "b", server: "a" },
    { client: "a", server: "a" },
    { client: "a", server: "gone" },
  ];
  expect([...layout(["a", "b"], links, spacing).nodes.keys()].sort()).toEqual(["a", "b"]);
});

test("no two nodes overlap, and the same graph gets the same drawing", () => {
  const names = Array.from({ length: 12 }, (_, i) => `s${i}`);
  const links = names.flatMap((n, i) =>
    [2 * i + 1, 2 * i + 2].filter((k) => k < 12).map((k) => ({ client: n, server: `s${k}` })),
  );
  const drawing = layout(names, links, spacing);
  const nodes = [...drawing.nodes.values()];
  for (const a of nodes)
    for (const b of nodes)
      if (a !== b && a.layer === b.layer) expect(Math.abs(a.y - b.y)).toBeGreaterThanOrEqual(spacing.nodeHeight);
  expect(layout([...names].reverse(), links, spacing)).toEqual(drawing);
});

test("a link over a layer goes round the nodes in it", () => {
  const links = [
    { client: "a", server: "b" },
    { client: "b", server: "c" },
    { client: "a", server: "c" },
  ];
  const drawing = layout(["a", "b", "c"], links, spacing);
  expect(drawing.bends.map((b) => b.length)).toEqual([0, 0, 1]);
  expect([...drawing.nodes.keys()].sort()).toEqual(["a", "b", "c"]);
  const [bend, passed] = [drawing.bends[2]![0]!, drawing.nodes.get("b")!];
  expect(bend.x).toBe(passed.x);
  expect(Math.abs(bend.y - passed.y)).toBeGreaterThan(spacing.nodeHeight / 2);
});

test("links to one node run together where they pass over a layer", () => {
  const links = ["b", "c", "x"].flatMap((via) =>
    ["a1", "a2"].map((client) => ({ client, server: via })).concat({ client: via, server: "end" }),
  );
  const long = ["a1", "a2"].map((client) => ({ client, server: "end" }));
  const { bends } = layout(["a1", "a2", "b", "c", "x", "end"], [...links, ...long], spacing);
  expect(bends.at(-1)!.length).toBe(1);
  expect(bends.at(-1)).toEqual(bends.at(-2));
});

test("nodes that are told to stand first or last do, and all others stand between them", () => {
  const ends = new Map([
    ["in", "first"],
    ["out", "last"],
    ["lost", "last"],
  ] as const);
  const links = [
    { client: "in", server: "one" },
    { client: "one", server: "two" },
    { client: "two", server: "out" },
    { client: "one", server: "lost" },
    { client: "out", server: "in" }, // runs back
  ];
  const drawing = layout(["in", "one", "two", "idle", "out", "lost"], links, spacing, ends);
  const layers = Object.fromEntries([...drawing.nodes].map(([n, p]) => [n, p.layer]));
  expect(layers).toEqual({ in: 0, one: 1, idle: 1, two: 2, out: 3, lost: 3 });
});
