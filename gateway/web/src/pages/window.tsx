import { Tabs } from "../parts/page";
import { setQuery, useAddress, withQuery } from "../router";

const windows: [string, number][] = [
  ["1m", 60_000],
  ["5m", 5 * 60_000],
  ["15m", 15 * 60_000],
  ["1h", 3_600_000],
];

/** How far back figures are counted, milliseconds; from the address. */
export function useWindow(): number {
  const chosen = useAddress().query.get("window");
  return windows.find(([id]) => id === chosen)?.[1] ?? 60_000;
}

/** The choice of the window. */
export function WindowChoice() {
  const chosen = useAddress().query.get("window") ?? "1m";
  return (
    <Tabs
      label="Figures over the last"
      current={chosen}
      items={windows.map(([id]) => ({ id, label: id, href: withQuery({ window: id === "1m" ? undefined : id }) }))}
    />
  );
}

/** A filter as a token that can be taken away. */
export function FilterToken({ name, value, query }: { name: string; value: string; query: string }) {
  return (
    <button
      type="button"
      class="token"
      onClick={() => setQuery({ [query]: undefined })}
      title={`Remove the filter ${name}`}
    >
      <span class="dim">{name}</span> {value} <span aria-hidden="true">×</span>
      <span class="sr">, remove</span>
    </button>
  );
}
