import type { ComponentChildren } from "preact";
import type { Problem } from "../api";
import type { Loaded } from "../load";
import { Icon } from "./icons";
import { Mark } from "./status";

/** Rows of grey while nothing has come yet. */
export function Loading({ rows = 6, label = "Loading" }: { rows?: number; label?: string }) {
  return (
    <div class="loading" role="status" aria-label={label}>
      {Array.from({ length: rows }, (_, i) => (
        <span key={i} class="loading-row" style={{ width: `${92 - ((i * 37) % 45)}%` }} />
      ))}
    </div>
  );
}

/** Nothing there, and what to do about it. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children && <div class="empty-text">{children}</div>}
    </div>
  );
}

/** Why something could not be read: code, message and the fields at fault. */
export function Fault({ problem, onRetry }: { problem: Problem; onRetry?: () => void }) {
  return (
    <div class="fault" role="alert">
      <Mark tone="bad" />
      <div class="fault-text">
        <p>
          <strong>{problem.code}</strong> {problem.message}
        </p>
        {problem.fields.length > 0 && (
          <ul>
            {problem.fields.map((f) => (
              <li key={f.field}>
                <code>{f.field}</code> {f.description}
              </li>
            ))}
          </ul>
        )}
      </div>
      {onRetry && (
        <button type="button" class="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}

/** The three ways of something that is read: not yet, not, and there. An old answer stays visible under a newer error. */
export function Show<T>({
  of,
  rows,
  children,
}: {
  of: Loaded<T>;
  rows?: number;
  children: (data: T) => ComponentChildren;
}) {
  if (of.loading) return <Loading rows={rows} />;
  return (
    <>
      {of.error && <Fault problem={of.error} onRetry={of.reload} />}
      {of.data !== undefined && children(of.data)}
    </>
  );
}

/** The search field of a page; "/" goes there. */
export function Search({
  label,
  value,
  onInput,
  placeholder,
}: {
  label: string;
  value: string;
  onInput: (value: string) => void;
  placeholder?: string;
}) {
  return (
    <label class="search">
      <span class="sr">{label}</span>
      <Icon name="search" />
      <input
        data-search
        type="search"
        value={value}
        placeholder={placeholder ?? label}
        onInput={(e) => onInput(e.currentTarget.value)}
        spellcheck={false}
        autocomplete="off"
      />
      <kbd>/</kbd>
    </label>
  );
}
