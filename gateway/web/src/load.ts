import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { type Problem, problem } from "./api";
import { ChangeKind } from "./gen/triflow/gateway/v1/gateway_pb";
import { onChange } from "./live";

/** Something read from the server. data and error may both be set: the last good answer, and why there is no newer one. */
export interface Loaded<T> {
  data: T | undefined;
  error: Problem | undefined;
  /** No answer yet, good or bad. */
  loading: boolean;
  reload: () => void;
}

/** When to read again by itself. */
export interface Again {
  /** On changes of this kind, and when anything may have changed. */
  on?: ChangeKind;
  /** After so many milliseconds, while the page can be seen. */
  every?: number;
}

/**
 * Reads when the key changes, and again as told. While it reads the same key again, the last answer stays. The key must
 * say everything that read depends on; an empty key reads nothing.
 */
export function useLoad<T>(key: string, read: (signal: AbortSignal) => Promise<T>, again: Again = {}): Loaded<T> {
  const [state, setState] = useState<{ key: string; data?: T; error?: Problem }>({ key: "" });
  const latest = useRef(read);
  latest.current = read;
  const running = useRef<AbortController>(undefined);
  const busy = useRef(false);

  const start = useCallback(() => {
    running.current?.abort();
    if (!key) return;
    const controller = new AbortController();
    running.current = controller;
    busy.current = true;
    const done = () => {
      if (running.current === controller) busy.current = false;
    };
    latest.current(controller.signal).then(
      (data) => {
        done();
        if (!controller.signal.aborted) setState({ key, data });
      },
      (thrown) => {
        done();
        if (controller.signal.aborted) return;
        setState((s) => ({ key, data: s.key === key ? s.data : undefined, error: problem(thrown) }));
      },
    );
  }, [key]);

  useEffect(() => {
    start();
    return () => running.current?.abort();
  }, [start]);

  const { on, every } = again;
  useEffect(() => {
    if (on === undefined) return;
    // Several changes in a row cost one read.
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = onChange((kind) => {
      if (kind !== on && kind !== ChangeKind.RESYNC) return;
      clearTimeout(timer);
      timer = setTimeout(start, 150);
    });
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, [start, on]);

  useEffect(() => {
    if (!every) return;
    const timer = setInterval(() => {
      // An answer slower than the interval must not be cut off by the next question.
      if (!document.hidden && !busy.current) start();
    }, every);
    return () => clearInterval(timer);
  }, [start, every]);

  const current = state.key === key ? state : { key };
  return {
    data: current.data,
    error: current.error,
    loading: key !== "" && current.data === undefined && current.error === undefined,
    reload: start,
  };
}
