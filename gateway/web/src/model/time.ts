// Times and durations as people read them. Everything here is pure: "now" is an argument.

import type { Duration, Timestamp } from "@bufbuild/protobuf/wkt";

/** Milliseconds since the epoch, with fractions down to the microsecond. */
export function millis(t: Timestamp | undefined): number {
  return t ? Number(t.seconds) * 1000 + t.nanos / 1e6 : Number.NaN;
}

/** Nanoseconds since the epoch, exact; 0 when it is not set. */
export function nanos(t: Timestamp | undefined): bigint {
  return t ? t.seconds * 1_000_000_000n + BigInt(t.nanos) : 0n;
}

/** Milliseconds of a duration; NaN when it is not known. */
export function durationMillis(d: Duration | undefined): number {
  return d ? Number(d.seconds) * 1000 + d.nanos / 1e6 : Number.NaN;
}

/** The fields of a Timestamp for a time in milliseconds. */
export function timestamp(ms: number): { seconds: bigint; nanos: number } {
  const seconds = Math.floor(ms / 1000);
  return { seconds: BigInt(seconds), nanos: Math.round((ms - seconds * 1000) * 1e6) };
}

/** The fields of a Duration for a length in milliseconds. */
export function duration(ms: number): { seconds: bigint; nanos: number } {
  return timestamp(ms);
}

/** A length in the unit that fits, with three significant digits: "840 µs", "12.4 ms", "1.25 s", "3 min 20 s". */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms)) return "–";
  if (ms < 0) return `−${formatDuration(-ms)}`;
  if (ms === 0) return "0";
  if (ms < 0.001) return `${digits(ms * 1e6)} ns`;
  if (ms < 0.9995) return `${digits(ms * 1000)} µs`;
  if (ms < 999.5) return `${digits(ms)} ms`;
  if (ms < 59_950) return `${digits(ms / 1000)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return pair(Math.floor(seconds / 60), "min", seconds % 60, "s");
  const minutes = Math.round(seconds / 60);
  if (minutes < 48 * 60) return pair(Math.floor(minutes / 60), "h", minutes % 60, "min");
  return pair(Math.floor(minutes / 1440), "d", Math.floor((minutes % 1440) / 60), "h");
}

function pair(a: number, unitA: string, b: number, unitB: string): string {
  return b === 0 ? `${a} ${unitA}` : `${a} ${unitA} ${b} ${unitB}`;
}

function digits(v: number): string {
  return String(Number(v.toPrecision(3)));
}

const unitMillis: Record<string, number> = {
  us: 0.001,
  µs: 0.001,
  ms: 1,
  s: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
};

/** Reads "250ms", "1.5 s" or "2m" into milliseconds; undefined when it is none of these. A bare number is milliseconds. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(us|µs|ms|s|min|m|h)?$/.exec(text.trim());
  if (!match) return undefined;
  return Number(match[1]) * (unitMillis[match[2] ?? "ms"] ?? 1);
}

/** Time of day with seconds, local: "14:03:07". */
export function formatClock(ms: number): string {
  if (!Number.isFinite(ms)) return "–";
  const d = new Date(ms);
  return `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}

/** Time of day with milliseconds, local. */
export function formatClockMillis(ms: number): string {
  if (!Number.isFinite(ms)) return "–";
  return `${formatClock(ms)}.${String(new Date(ms).getMilliseconds()).padStart(3, "0")}`;
}

/** The full moment with date and offset, for a tooltip: "2026-11-25 14:03:07.120 +01:00". */
export function formatMoment(ms: number): string {
  if (!Number.isFinite(ms)) return "not known";
  const d = new Date(ms);
  const offset = -d.getTimezoneOffset();
  const zone = `${offset < 0 ? "−" : "+"}${two(Math.floor(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`;
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${formatClockMillis(ms)} ${zone}`;
}

/** How long ago, coarse: "now", "40 s ago", "3 min ago"; for the future "in 3 min". */
export function formatAgo(ms: number, now: number): string {
  if (!Number.isFinite(ms)) return "–";
  const gap = now - ms;
  if (Math.abs(gap) < 2000) return "now";
  const text = coarse(Math.abs(gap));
  return gap < 0 ? `in ${text}` : `${text} ago`;
}

function coarse(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} d`;
}

function two(v: number): string {
  return String(v).padStart(2, "0");
}
