// What the charts need to know of a series: its unit from its name, and its shape in a box.

import type { Series, SeriesPoints } from "../gen/triflow/anomaly/v1/anomaly_pb";
import { formatShare, formatShort } from "./number";
import { formatDuration, millis } from "./time";

/** Points in order of time; times in milliseconds. */
export interface Line {
  times: Float64Array;
  values: Float64Array;
}

/** The points of an answer as plain columns. */
export function line(points: SeriesPoints): Line {
  return { times: Float64Array.from(points.times, millis), values: Float64Array.from(points.values) };
}

/** What a value of the series means, as text. Series made by Triflow tell their unit by name; others are bare numbers. */
export function formatValue(name: string, value: number): string {
  if (/\.(latency|self_time)\./.test(name)) return formatDuration(value * 1000);
  if (name.endsWith(".ratio")) return formatShare(value);
  if (name.endsWith(".rate")) return `${formatShort(value)}/s`;
  return formatShort(value);
}

const words: Record<string, string> = {
  "service.request.rate": "requests a second",
  "service.error.ratio": "share of requests that fail",
  "service.latency.p90": "latency, p90",
  "service.self_time.p90": "own time, p90",
  "service.own_error.ratio": "share that fail by themselves",
  "service.root.ratio": "share that start a trace",
  "edge.request.rate": "calls a second",
  "edge.error.ratio": "share of calls that fail",
  "edge.latency.p90": "call latency, p90",
  "edge.fanout": "calls for each request",
  "log.template.rate": "log records a second",
};

/** The series' name in words; a name from OTLP metrics is shown as it came. */
export function seriesWords(name: string): string {
  return words[name] ?? name;
}

/** What the series speaks of: "cart", "cart → db", with the labels that are left. */
export function seriesSubject(series: Series): string {
  const { service, client, server, ...rest } = series.labels;
  const subject = client && server ? `${client} → ${server}` : (service ?? "");
  const more = Object.entries(rest).map(([k, v]) => `${k}=${v}`);
  return [subject, ...more].filter(Boolean).join(" · ");
}

/** The same name and the same labels. */
export function sameSeries(a: Series | undefined, b: Series | undefined): boolean {
  if (!a || !b || a.name !== b.name) return false;
  const keys = Object.keys(a.labels);
  return keys.length === Object.keys(b.labels).length && keys.every((k) => a.labels[k] === b.labels[k]);
}

/** A box of width × height that shows times [from, to] and values [low, high]. */
export interface Box {
  width: number;
  height: number;
  from: number;
  to: number;
  low: number;
  high: number;
}

export function x(box: Box, time: number): number {
  return box.to > box.from ? ((time - box.from) / (box.to - box.from)) * box.width : 0;
}

export function y(box: Box, value: number): number {
  return box.high > box.low ? box.height - ((value - box.low) / (box.high - box.low)) * box.height : box.height / 2;
}

/** The box that holds all lines; it starts at 0 as none of our figures is negative by nature, but follows those that are. */
export function fit(lines: Line[], width: number, height: number, extra: number[] = []): Box {
  let [from, to, low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0];
  for (const l of lines) {
    for (const t of l.times) {
      if (t < from) from = t;
      if (t > to) to = t;
    }
    for (const v of l.values) {
      if (v < low) low = v;
      if (v > high) high = v;
    }
  }
  for (const v of extra) {
    if (v < low) low = v;
    if (v > high) high = v;
  }
  if (from > to) [from, to] = [0, 1];
  if (low === high) high = low + 1;
  return { width, height, from, to, low, high: high + (high - low) * 0.06 };
}

/** SVG path of a line. A pause of more than three usual steps breaks it: nothing is drawn where nothing is known. */
export function path(l: Line, box: Box): string {
  const gap = usualStep(l.times) * 3;
  let out = "";
  for (let i = 0; i < l.times.length; i++) {
    const joined = i > 0 && l.times[i]! - l.times[i - 1]! <= gap;
    out += `${joined ? "L" : "M"}${x(box, l.times[i]!).toFixed(1)} ${y(box, l.values[i]!).toFixed(1)}`;
  }
  return out;
}

function usualStep(times: Float64Array): number {
  if (times.length < 2) return Number.POSITIVE_INFINITY;
  const steps = times.slice(1).map((t, i) => t - times[i]!);
  steps.sort();
  return steps[steps.length >> 1]!;
}

/** Index of the point nearest to a time; −1 without points. */
export function nearest(l: Line, time: number): number {
  let best = -1;
  for (let i = 0; i < l.times.length; i++) {
    if (best < 0 || Math.abs(l.times[i]! - time) < Math.abs(l.times[best]! - time)) best = i;
  }
  return best;
}
