import { expect, test } from "vitest";
import { formatAgo, formatDuration, parseDuration, timestamp } from "./time";

test.each([
  [0, "0"],
  [0.0005, "500 ns"],
  [0.84, "840 µs"],
  [12.44, "12.4 ms"],
  [999.6, "1 s"],
  [200_000, "3 min 20 s"],
  [7_200_000, "2 h"],
  [-5, "−5 ms"],
  [Number.NaN, "–"],
])("a duration of %f ms is %s", (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test.each([
  ["250ms", 250],
  ["1.5 s", 1500],
  ["2m", 120_000],
  ["40", 40],
  ["soon", undefined],
  ["-1s", undefined],
])("the text %s is read as %s ms", (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test("a time before the epoch keeps its nanoseconds positive, as the contract wants", () => {
  expect(timestamp(-1)).toEqual({ seconds: -1n, nanos: 999_000_000 });
});

test("what is to come is told from what was", () => {
  expect(formatAgo(0, 180_000)).toBe("3 min ago");
  expect(formatAgo(180_000, 0)).toBe("in 3 min");
});
