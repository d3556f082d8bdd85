import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { formatAgo, formatClock, formatMoment } from "../model/time";
import { useNow } from "../now";
import { Icon } from "./icons";

/** A page: where it is, its title, what can be done, and its content. */
export function Page({
  title,
  lead,
  crumb,
  actions,
  fill = false,
  children,
}: {
  title: string;
  /** In place of the plain title, for the headline. */
  lead?: ComponentChildren;
  crumb?: { href: string; label: string };
  actions?: ComponentChildren;
  /** The content scrolls by itself and takes all the height. */
  fill?: boolean;
  children: ComponentChildren;
}) {
  useEffect(() => {
    document.title = `${title} · Triflow`;
  }, [title]);
  return (
    <div class={fill ? "page is-fill" : "page"}>
      <div class="page-head">
        <div class="page-title">
          {crumb && (
            <>
              <a class="crumb" href={crumb.href}>
                {crumb.label}
              </a>
              <span class="crumb-sep" aria-hidden="true">
                /
              </span>
            </>
          )}
          <h1>{lead ?? title}</h1>
        </div>
        {actions && <div class="page-actions">{actions}</div>}
      </div>
      <div class="page-body">{children}</div>
    </div>
  );
}

/** A part of a page under a heading. */
export function Section({
  title,
  note,
  actions,
  flush = false,
  children,
}: {
  title: string;
  note?: ComponentChildren;
  actions?: ComponentChildren;
  /** Content reaches the edges of the box. */
  flush?: boolean;
  children: ComponentChildren;
}) {
  return (
    <section class={flush ? "section is-flush" : "section"} aria-label={title}>
      <div class="section-head">
        <h2>{title}</h2>
        {note && <span class="section-note">{note}</span>}
        {actions && <div class="section-actions">{actions}</div>}
      </div>
      <div class="section-body">{children}</div>
    </section>
  );
}

/** One figure with what it is. */
export function Figure({
  label,
  children,
  note,
}: {
  label: string;
  children: ComponentChildren;
  note?: ComponentChildren;
}) {
  return (
    <div class="figure">
      <dt>{label}</dt>
      <dd>
        <span class="figure-value">{children}</span>
        {note && <span class="figure-note">{note}</span>}
      </dd>
    </div>
  );
}

/** A figure that may not be known, which is not the same as 0: a dash in a table, or in full the word. */
export function Known({ of, show, full }: { of: number | undefined; show: (v: number) => string; full?: boolean }) {
  if (of !== undefined && Number.isFinite(of)) return show(of);
  if (full) return <span class="dim">unknown</span>;
  return (
    <span class="dim" title="Unknown">
      <span aria-hidden="true">–</span>
      <span class="sr">unknown</span>
    </span>
  );
}

/** A moment: how long ago, with the exact time on hover. */
export function Ago({ ms }: { ms: number }) {
  const now = useNow();
  if (!Number.isFinite(ms)) return <span class="dim">–</span>;
  return (
    <time dateTime={new Date(ms).toISOString()} title={formatMoment(ms)}>
      {formatAgo(ms, now)}
    </time>
  );
}

/** A moment: time of day, with the exact time on hover. */
export function Clock({ ms }: { ms: number }) {
  if (!Number.isFinite(ms)) return <span class="dim">–</span>;
  return (
    <time class="num" dateTime={new Date(ms).toISOString()} title={formatMoment(ms)}>
      {formatClock(ms)}
    </time>
  );
}

/** A value with a button that copies it. */
export function Copy({ value, label, shown }: { value: string; label: string; shown?: string }) {
  const [copied, setCopied] = useState(false);
  const copy = () => {
    navigator.clipboard?.writeText(value).then(
      () => {
        setCopied(true);
        setTimeout(() => setCopied(false), 1500);
      },
      () => undefined,
    );
  };
  return (
    <button type="button" class="copy" onClick={copy} title={`Copy ${label}: ${value}`}>
      <code>{shown ?? value}</code>
      <Icon name={copied ? "check" : "copy"} />
      <span class="sr">{copied ? "copied" : `copy ${label}`}</span>
    </button>
  );
}

/** A choice of a few, as links, so that each has an address. */
export function Tabs({
  label,
  items,
  current,
}: {
  label: string;
  items: { href: string; label: string; id: string }[];
  current: string;
}) {
  return (
    <nav class="tabs" aria-label={label}>
      {items.map((i) => (
        <a key={i.id} href={i.href} aria-current={i.id === current ? "true" : undefined}>
          {i.label}
        </a>
      ))}
    </nav>
  );
}
