import { expect, test } from "vitest";
import { formatBytes, formatCount, formatRate, formatShare, formatShort, niceStep, ticks } from "./number";

test("a share is never rounded to nothing or to all", () => {
  expect(formatShare(0)).toBe("0 %");
  expect(formatShare(0.0001)).toBe("<0.1 %");
  expect(formatShare(0.9999)).toBe(">99.9 %");
  expect(formatShare(1)).toBe("100 %");
});

test("figures keep three digits", () => {
  expect(formatShort(999.6)).toBe("1k");
  expect(formatShort(1234)).toBe("1.23k");
  expect(formatRate(0.05)).toBe("3/min");
  expect(formatCount(12480n)).toBe("12\u202f480");
});

test("axis steps are round and inside the range", () => {
  expect(niceStep(0.3)).toBe(0.5);
  expect(ticks(0, 10, 4)).toEqual([0, 5, 10]);
});

test("bytes have a unit of their own at every size", () => {
  expect([0, 840, 62_600_000, 1e12].map(formatBytes)).toEqual(["0 B", "840 B", "62.6 MB", "1000 GB"]);
  expect(formatBytes(2048n)).toBe("2.05 kB");
});
