// Figures as people read them, and round numbers for axes.

const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** A count with thin groups: "12 480". */
export function formatCount(v: number | bigint): string {
  return grouped.format(v).replaceAll(",", "\u202f");
}

/** A figure with three significant digits and k, M, G: "0.42", "12.5", "3.2k". */
export function formatShort(v: number): string {
  if (!Number.isFinite(v)) return "–";
  const size = Math.abs(v);
  if (size >= 999.5e6) return `${trim(v / 1e9)}G`;
  if (size >= 999.5e3) return `${trim(v / 1e6)}M`;
  if (size >= 999.5) return `${trim(v / 1e3)}k`;
  return trim(v);
}

/** A size in bytes: "0 B", "840 B", "12.5 MB"; k is 1000. */
export function formatBytes(v: number | bigint): string {
  const text = formatShort(Number(v));
  return /[kMG]$/.test(text) ? `${text.slice(0, -1)} ${text.slice(-1)}B` : `${text} B`;
}

/** Events a second: "12.5/s"; under one in ten seconds, a minute: "3/min". */
export function formatRate(perSecond: number): string {
  if (!Number.isFinite(perSecond)) return "–";
  if (perSecond > 0 && perSecond < 0.1) return `${trim(perSecond * 60)}/min`;
  return `${formatShort(perSecond)}/s`;
}

/** A share 0 to 1: "0 %", "0.4 %", "12 %". Never rounds something to nothing or nearly all to all. */
export function formatShare(v: number): string {
  if (!Number.isFinite(v)) return "–";
  if (v > 0 && v < 0.001) return "<0.1 %";
  if (v < 1 && v > 0.999) return ">99.9 %";
  const percent = v * 100;
  return `${percent < 9.95 || (percent > 99 && percent < 100) ? Number(percent.toFixed(1)) : Math.round(percent)} %`;
}

function trim(v: number): string {
  return String(Number(v.toPrecision(3)));
}

/** Round values from 0 or below to max or above for an axis with about `count` steps. */
export function ticks(min: number, max: number, count: number): number[] {
  const step = niceStep((max - min) / Math.max(1, count));
  if (!(step > 0)) return [min];
  const out: number[] = [];
  for (let i = Math.ceil(min / step - 1e-9); i * step <= max + step * 1e-9; i++)
    out.push(Number((i * step).toPrecision(12)));
  return out;
}

/** The smallest of 1, 2, 5 times a power of ten that is not below v. */
export function niceStep(v: number): number {
  if (!(v > 0) || !Number.isFinite(v)) return 0;
  const power = 10 ** Math.floor(Math.log10(v));
  for (const m of [1, 2, 5]) if (m * power >= v * (1 - 1e-9)) return m * power;
  return 10 * power;
}
