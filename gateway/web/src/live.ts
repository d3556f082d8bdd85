// When to read again. The server's stream of changes says so; while there is none, the page asks every few seconds.

import { live as client } from "./api";
import { cell } from "./cell";
import { ChangeKind } from "./gen/triflow/gateway/v1/gateway_pb";

/** How changes reach the page. */
export type LiveState = "connecting" | "live" | "polling";

/** The state of the stream, for the sign in the corner. */
export const liveState = cell<LiveState>("connecting");

type Listener = (kind: ChangeKind, id: string) => void;

const listeners = new Set<Listener>();

const pollMillis = 5000;
const longestPauseMillis = 30_000;

/** Calls the listener on every change until the returned function is called. */
export function onChange(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Says that something may have changed, without the server. */
export function announce(kind: ChangeKind, id: string): void {
  for (const l of [...listeners]) l(kind, id);
}

/** Watches for ever. A stream that ends is opened again after 1 s, 2 s, … 30 s; until then changes are polled for. */
export function startLive(): void {
  let pause = 1000;
  setInterval(() => {
    if (liveState.get() === "polling" && !document.hidden) announce(ChangeKind.RESYNC, "");
  }, pollMillis);
  const watch = async () => {
    try {
      for await (const change of client.watch({})) {
        liveState.set("live");
        pause = 1000;
        announce(change.kind, change.id);
      }
    } catch {
      // The state says it; what is read next shows the error itself if the server is gone.
    }
    liveState.set("polling");
    setTimeout(watch, pause);
    pause = Math.min(pause * 2, longestPauseMillis);
  };
  void watch();
}
