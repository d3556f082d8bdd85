import type { JSX } from "preact";
import { severity, type Tone } from "../model/words";

// Each tone has a shape of its own, so that it can be told without its colour.
const shapes: Record<Tone, JSX.Element> = {
  good: <circle cx="6" cy="6" r="3.4" />,
  warn: <path d="M6 .9 11.4 10.6H.6Z" />,
  bad: <path d="M6 .2 11.8 6 6 11.8.2 6Z" />,
  busy: <path d="M6 1.2a4.8 4.8 0 0 1 0 9.6Z M6 .9a5.1 5.1 0 1 0 0 10.2V9.9a3.9 3.9 0 1 1 0-7.8Z" />,
  off: <path d="M6 1.6a4.4 4.4 0 1 0 0 8.8 4.4 4.4 0 0 0 0-8.8Zm0 1.3a3.1 3.1 0 1 1 0 6.2 3.1 3.1 0 0 1 0-6.2Z" />,
};

/** The mark of a tone alone; only where a text beside it says the same. */
export function Mark({ tone }: { tone: Tone }) {
  return (
    <svg class={`mark tone-${tone}`} viewBox="0 0 12 12" width="12" height="12" aria-hidden="true" focusable="false">
      {shapes[tone]}
    </svg>
  );
}

/** A state as mark and word. */
export function Status({ tone, children, soft = false }: { tone: Tone; children: string; soft?: boolean }) {
  return (
    <span class={`status tone-${tone}${soft ? " is-soft" : ""}`}>
      <Mark tone={tone} />
      {children}
    </span>
  );
}

/** The severity of a log record or template. */
export function Severity({ number }: { number: number }) {
  const [tone, word] = severity(number);
  return (
    <span class={`severity tone-${tone}`}>
      <Mark tone={tone} />
      {word}
    </span>
  );
}

/** A probability as a bar and a number. */
export function Confidence({ value }: { value: number }) {
  return (
    <span class="confidence">
      <span class="confidence-bar" aria-hidden="true">
        <span style={{ width: `${Math.round(value * 100)}%` }} />
      </span>
      <span class="num">{Math.round(value * 100)} %</span>
    </span>
  );
}
