import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { type Problem, problem } from "../api";
import { Fault } from "./states";
import { More } from "./table";

/** One answer of a list: rows, and where the next ones begin; an empty token ends it. */
export interface Rows<T> {
  rows: T[];
  token: string;
}

/**
 * A list that grows by pages. When the first page is read anew so are the later ones, and the list changes at once: what a
 * person has opened stays open.
 */
export function Paged<T>({
  first,
  next,
  children,
}: {
  first: Rows<T>;
  next: (token: string) => Promise<Rows<T>>;
  children: (rows: T[]) => ComponentChildren;
}) {
  const [pages, setPages] = useState([first]);
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<Problem>();
  const latest = useRef(0);
  const read = async (count: number) => {
    const turn = ++latest.current;
    const found = [first];
    try {
      while (found.length < count && found.at(-1)!.token) found.push(await next(found.at(-1)!.token));
      if (turn !== latest.current) return;
      setPages(found);
      setFault(undefined);
    } catch (thrown) {
      if (turn === latest.current) setFault(problem(thrown));
    }
  };
  useEffect(() => {
    if (pages.length > 1) void read(pages.length);
  }, [first]);
  const onMore = async () => {
    setBusy(true);
    await read(pages.length + 1);
    setBusy(false);
  };
  const shown = pages.length === 1 ? [first] : pages;
  return (
    <>
      {children(shown.flatMap((p) => p.rows))}
      {fault && <Fault problem={fault} onRetry={onMore} />}
      <More token={shown.at(-1)!.token} onMore={onMore} busy={busy} />
    </>
  );
}
