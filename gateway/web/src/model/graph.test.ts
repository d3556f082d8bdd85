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
