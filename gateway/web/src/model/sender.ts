// Who sends, as the address of the page names him, and what was refused of him, in words.

import { Signal } from "../gen/triflow/handoff/v1/handoff_pb";
import type { RefusedCount, Sender } from "../gen/triflow/ingestion/v1/ingestion_pb";
import { formatCount } from "./number";
import { millis } from "./time";

/** What tells a sender from all others. */
export type SenderKey = Pick<Sender, "signal" | "tenant" | "service" | "sdk" | "address" | "credential">;

const signalNames: Record<Signal, string> = {
  [Signal.UNSPECIFIED]: "",
  [Signal.TRACES]: "traces",
  [Signal.LOGS]: "logs",
  [Signal.METRICS]: "metrics",
};

/** A signal in an address: "traces". */
export function signalName(s: Signal): string {
  return signalNames[s];
}

/** The signal of a name; unspecified when it is none. */
export function signalOf(name: string | null): Signal {
  const found = Object.entries(signalNames).find(([, n]) => n !== "" && n === name);
  return found ? Number(found[0]) : Signal.UNSPECIFIED;
}

/** The sender as a query. */
export function senderQuery({ signal, tenant, service, sdk, address, credential }: SenderKey): Record<string, string> {
  return { signal: signalName(signal), tenant, service, sdk, address, credential };
}

/** The sender of a query. */
export function senderOf(query: URLSearchParams): SenderKey {
  const text = (key: string) => query.get(key) ?? "";
  return {
    signal: signalOf(query.get("signal")),
    tenant: text("tenant"),
    service: text("service"),
    sdk: text("sdk"),
    address: text("address"),
    credential: text("credential"),
  };
}

/** A text that is the same for the same sender only. */
export function senderId(s: SenderKey): string {
  return JSON.stringify([s.signal, s.tenant, s.service, s.sdk, s.address, s.credential]);
}

const presentMillis = 60_000;

/**
 * Those who sent in the last minute by name, then all others, the latest first: who sends every second would change places
 * every second otherwise. Now is when the latest of them sent, so that the clock of this machine does not matter.
 */
export function steadyOrder(rows: readonly Sender[]): Sender[] {
  const now = Math.max(...rows.map((s) => millis(s.lastTime)));
  const rank = (s: Sender) => Math.max(0, now - millis(s.lastTime) - presentMillis);
  return [...rows].sort(
    (a, b) => rank(a) - rank(b) || (a.service < b.service ? -1 : a.service > b.service ? 1 : a.signal - b.signal),
  );
}

/** All items that were refused. */
export function refusedItems(refused: readonly RefusedCount[]): bigint {
  return refused.reduce((sum, r) => sum + r.items, 0n);
}

/** The refused by reason, most first: "12 trace_id, 3 rate"; "none" without any. */
export function refusedText(refused: readonly RefusedCount[]): string {
  const sorted = [...refused].sort((a, b) => Number(b.items - a.items));
  return sorted.map((r) => `${formatCount(r.items)} ${r.reason}`).join(", ") || "none";
}

/** "1 batch", "1 280 batches". */
export function batchesText(n: bigint): string {
  return `${formatCount(n)} ${n === 1n ? "batch" : "batches"}`;
}
