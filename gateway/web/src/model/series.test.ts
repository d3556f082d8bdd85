import { expect, test } from "vitest";
import { fit, formatValue, nearest, path } from "./series";

const line = { times: Float64Array.of(0, 10, 20, 100, 110), values: Float64Array.of(1, 2, 3, 4, 5) };

test("nothing is drawn where nothing is known", () => {
  expect(path(line, fit([line], 100, 50)).match(/M/g)).toHaveLength(2);
});

test("a series' name tells its unit", () => {
  expect(formatValue("service.latency.p90", 0.25)).toBe("250 ms");
  expect(formatValue("service.error.ratio", 0.5)).toBe("50 %");
  expect(formatValue("queue.depth", 3)).toBe("3");
});

test("the nearest point of no points is none", () => {
  expect(nearest(line, 96)).toBe(3);
  expect(nearest({ times: new Float64Array(), values: new Float64Array() }, 1)).toBe(-1);
});
