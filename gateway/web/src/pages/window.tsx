import { formatMoment } from "../model/time";
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

const spans: [string, number][] = [
  ["5m", 5 * 60_000],
  ["1h", 3_600_000],
  ["24h", 24 * 3_600_000],
];

/** The choice of how far back a search goes, and the bounds in force as tokens. */
export function Since({ label }: { label: string }) {
  const { query } = useAddress();
  return (
    <>
      <fieldset class="since" aria-label={label}>
        {spans.map(([name, ms]) => (
          <button
            key={name}
            type="button"
            class="button"
            onClick={() => setQuery({ from: new Date(Date.now() - ms).toISOString(), to: undefined })}
          >
            {name}
          </button>
        ))}
      </fieldset>
      {["from", "to"].map((bound) => {
        const text = query.get(bound);
        return text && <FilterToken key={bound} name={bound} value={shown(text)} query={bound} />;
      })}
    </>
  );
}

function shown(moment: string): string {
  const ms = Date.parse(moment);
  return Number.isFinite(ms) ? formatMoment(ms).slice(0, 19) : moment;
}
