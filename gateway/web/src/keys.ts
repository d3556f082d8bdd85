// The keyboard. Single keys, and "g" followed by a letter, as long as nobody is typing.

import { useEffect, useRef } from "preact/hooks";

/** What a key does, by the name that KeyboardEvent.key gives; "g o" is g, then o. Returning false passes the key on. */
export type Bindings = Record<string, (e: KeyboardEvent) => unknown>;

const stack: { current: Bindings }[] = [];
let pending = "";
let pendingSince = 0;

const chordMillis = 1200;

/** Binds keys while the component is shown. The latest bindings come first, so a page overrides the shell. */
export function useKeys(bindings: Bindings): void {
  const ref = useRef(bindings);
  ref.current = bindings;
  useEffect(() => {
    stack.push(ref);
    return () => void stack.splice(stack.indexOf(ref), 1);
  }, []);
}

/** Starts listening. Call once. */
export function startKeys(): void {
  document.addEventListener("keydown", (e) => {
    if (e.defaultPrevented || e.metaKey || e.ctrlKey || e.altKey) return;
    if (typing(e.target)) {
      if (e.key === "Escape") (e.target as HTMLElement).blur();
      return;
    }
    // An open dialog owns the keyboard; it closes itself on Escape.
    if (document.querySelector("dialog[open]")) return;
    const name = chord(e);
    for (let i = stack.length - 1; i >= 0; i--) {
      const act = stack[i]!.current[name];
      if (!act || act(e) === false) continue;
      e.preventDefault();
      return;
    }
  });
}

function chord(e: KeyboardEvent): string {
  const first = pending && e.timeStamp - pendingSince < chordMillis ? pending : "";
  pending = "";
  if (first) return `${first} ${e.key}`;
  if (e.key === "g") {
    pending = e.key;
    pendingSince = e.timeStamp;
  }
  return e.key;
}

function typing(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return target.type !== "checkbox" && target.type !== "radio";
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || target.isContentEditable;
}

/** Moves the focus to the next or previous row of the page's list. */
export function moveRow(step: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>("main [data-row]")];
  if (rows.length === 0) return;
  const at = rows.indexOf(document.activeElement as HTMLElement);
  const next = at < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + step));
  rows[next]!.focus();
  rows[next]!.scrollIntoView({ block: "nearest" });
}
