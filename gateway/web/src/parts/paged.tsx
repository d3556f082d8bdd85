import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { type Problem, problem } from "../api";
import { Fault } from "./states";
import { More } from "./table";

/** One answer of a list: rows, and where the next ones begin; an empty token ends it. */
export interface Rows<T> {
  rows: T[];
  token: string;
}

/** A list that grows by pages. When the first page is read anew, the later ones are forgotten. */
export function Paged<T>({
  first,
  next,
  children,
}: {
  first: Rows<T>;
  next: (token: string) => Promise<Rows<T>>;
  children: (rows: T[]) => ComponentChildren;
}) {
  const [more, setMore] = useState<Rows<T>>({ rows: [], token: first.token });
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<Problem>();
  useEffect(() => setMore({ rows: [], token: first.token }), [first.rows]);
  const onMore = async () => {
    setBusy(true);
    setFault(undefined);
    try {
      const page = await next(more.token);
      setMore((m) => ({ rows: [...m.rows, ...page.rows], token: page.token }));
    } catch (thrown) {
      setFault(problem(thrown));
    }
    setBusy(false);
  };
  return (
    <>
      {children([...first.rows, ...more.rows])}
      {fault && <Fault problem={fault} onRetry={onMore} />}
      <More token={more.token} onMore={onMore} busy={busy} />
    </>
  );
}
