// The address is the state of the page: a path for the page, a query for what it shows. Whoever has the address sees the same.

import { cell, useCell } from "./cell";

/** A parsed address. */
export interface Address {
  /** Decoded parts of the path: /traces/ab → ["traces", "ab"]. */
  parts: string[];
  query: URLSearchParams;
}

const address = cell(read());

function read(): Address {
  return {
    parts: location.pathname.split("/").filter(Boolean).map(decode),
    query: new URLSearchParams(location.search),
  };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // a stray % is not worth an error page
  }
}

/** The present address; draws again when it changes. */
export function useAddress(): Address {
  return useCell(address);
}

/** Goes to a path with query. */
export function go(href: string): void {
  history.pushState(null, "", href);
  address.set(read());
}

/**
 * Changes parts of the query; an empty value takes the key away. By default it makes a step that Back undoes; "replace"
 * is for what changes while one drags or types.
 */
export function setQuery(changes: Record<string, string | undefined>, how: "push" | "replace" = "push"): void {
  const href = withQuery(changes);
  if (href === location.pathname + location.search) return;
  if (how === "push") history.pushState(null, "", href);
  else history.replaceState(null, "", href);
  address.set(read());
}

/** The present address with parts of the query changed, for a link. */
export function withQuery(changes: Record<string, string | undefined>): string {
  const query = new URLSearchParams(location.search);
  for (const [key, value] of Object.entries(changes)) {
    if (value) query.set(key, value);
    else query.delete(key);
  }
  const text = query.toString();
  return location.pathname + (text ? `?${text}` : "");
}

/** An address from a path and a query; empty values are left out. */
export function href(path: string, query: Record<string, string | undefined> = {}): string {
  const text = new URLSearchParams(Object.entries(query).filter((kv): kv is [string, string] => !!kv[1])).toString();
  return path + (text ? `?${text}` : "");
}

/** Starts listening to the history and to clicks on the page's own links. Call once. */
export function startRouter(): void {
  addEventListener("popstate", () => address.set(read()));
  document.addEventListener("click", (e) => {
    if (e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
    const link = (e.target as Element | null)?.closest?.("a");
    if (!link || link.origin !== location.origin || link.target || link.hasAttribute("download")) return;
    if (link.hash && link.pathname === location.pathname) return; // the skip link
    e.preventDefault();
    go(link.pathname + link.search);
  });
}
