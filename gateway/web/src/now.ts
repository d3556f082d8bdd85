import { cell, useCell } from "./cell";

const now = cell(Date.now());

/** The time, for "3 min ago"; draws again every five seconds. */
export function useNow(): number {
  return useCell(now);
}

/** Starts the clock. Call once. */
export function startNow(): void {
  setInterval(() => now.set(Date.now()), 5000);
}
