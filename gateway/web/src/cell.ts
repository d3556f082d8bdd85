import { useEffect, useState } from "preact/hooks";

/** A value that the page shares, such as the address or the state of the live stream; who watches it is told of changes. */
export interface Cell<T> {
  get(): T;
  set(value: T): void;
  watch(listener: () => void): () => void;
}

export function cell<T>(initial: T): Cell<T> {
  let value = initial;
  const listeners = new Set<() => void>();
  return {
    get: () => value,
    set(next) {
      if (Object.is(next, value)) return;
      value = next;
      for (const l of [...listeners]) l();
    },
    watch(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** The value of a cell; draws again when it changes. */
export function useCell<T>(c: Cell<T>): T {
  const [, draw] = useState(0);
  useEffect(() => {
    const seen = c.get();
    const stop = c.watch(() => draw((n) => n + 1));
    // It may have changed between the drawing and this effect.
    if (!Object.is(seen, c.get())) draw((n) => n + 1);
    return stop;
  }, [c]);
  return c.get();
}
