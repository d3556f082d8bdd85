import { expect, test } from "vitest";
import { curve } from "./curve";

const spacing = { nodeWidth: 100, nodeHeight: 40, layerGap: 50, nodeGap: 10 };

test("a line leaves a node on its right and comes to the next on its left", () => {
  expect(curve({ x: 50, y: 20 }, [], { x: 200, y: 80 }, spacing)).toBe("M100 20C125 20 125 80 150 80");
});

test("a line runs level through the layers that it passes", () => {
  expect(curve({ x: 50, y: 20 }, [{ x: 200, y: 70 }], { x: 350, y: 20 }, spacing)).toBe(
    "M100 20C125 20 125 70 150 70H250C275 70 275 20 300 20",
  );
});

test("a line that runs back swings out on both sides", () => {
  expect(curve({ x: 200, y: 0 }, [], { x: 50, y: 0 }, spacing)).toBe("M250 0C300 0 -50 0 0 0");
});
