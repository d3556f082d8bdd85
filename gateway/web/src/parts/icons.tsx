import type { JSX } from "preact";

const shapes = {
  brand: (
    <>
      <rect x="1" y="1" width="14" height="14" rx="4" class="brand-box" />
      <path d="M4 5.2h6M6 8h6M4.6 10.8h4" class="brand-lines" />
    </>
  ),
  overview: <path d="M2.5 2.5h4.6v6H2.5zM8.9 2.5h4.6v3.4H8.9zM8.9 7.6h4.6v5.9H8.9zM2.5 10.2h4.6v3.3H2.5z" />,
  arrival: <path d="M8 1.8v7.4M4.9 6.3 8 9.4l3.1-3.1M2 9.6v4.2h12V9.6" />,
  incident: <path d="M8 2.2 14.4 13.4H1.6ZM8 6.6v3.2M8 11.4v.1" />,
  map: (
    <path d="M3.5 3.5m-1.7 0a1.7 1.7 0 1 0 3.4 0a1.7 1.7 0 1 0-3.4 0M12.5 8m-1.7 0a1.7 1.7 0 1 0 3.4 0a1.7 1.7 0 1 0-3.4 0M3.5 12.5m-1.7 0a1.7 1.7 0 1 0 3.4 0a1.7 1.7 0 1 0-3.4 0M5.1 4.3l5.8 2.9M5.1 11.7l5.8-2.9" />
  ),
  trace: <path d="M2 3.8h7.5M4.5 8h7M8 12.2h6" stroke-width="2.2" />,
  log: <path d="M2.5 3.5h11M2.5 6.5h7.5M2.5 9.5h11M2.5 12.5h5.5" />,
  plan: <path d="M8 1.9 13.3 4v3.8c0 3-2.2 5.2-5.3 6.3-3.1-1.1-5.3-3.3-5.3-6.3V4ZM5.7 8l1.7 1.7L10.5 6.4" />,
  anomaly: <path d="M1.5 11.5h3l1.8-1.2L8.5 2.6l2 8.9 1.2-.9h2.8" />,
  sampling: <path d="M2 2.5h12L9.5 8v5.2l-3-1.6V8Z" />,
  settings: (
    <path d="M2 4.5h5M11 4.5h3M9 4.5m-2 0a2 2 0 1 0 4 0a2 2 0 1 0-4 0M2 11.5h2M8 11.5h6M6 11.5m-2 0a2 2 0 1 0 4 0a2 2 0 1 0-4 0" />
  ),
  sun: (
    <path d="M8 8m-2.9 0a2.9 2.9 0 1 0 5.8 0a2.9 2.9 0 1 0-5.8 0M8 1.4v1.5M8 13.1v1.5M1.4 8h1.5M13.1 8h1.5M3.3 3.3l1.1 1.1M11.6 11.6l1.1 1.1M12.7 3.3l-1.1 1.1M4.4 11.6l-1.1 1.1" />
  ),
  moon: <path d="M13.4 9.7A5.9 5.9 0 0 1 6.3 2.6a5.9 5.9 0 1 0 7.1 7.1Z" />,
  keyboard: <path d="M1.7 4h12.6v8H1.7zM4 6.6h.1M6.6 6.6h.1M9.2 6.6h.1M11.9 6.6h.1M4.8 9.5h6.4" />,
  search: <path d="M7 7m-4.3 0a4.3 4.3 0 1 0 8.6 0a4.3 4.3 0 1 0-8.6 0M10.2 10.2l3.6 3.6" />,
  chevron: <path d="m6 3.5 4.5 4.5L6 12.5" />,
  copy: <path d="M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3" />,
  check: <path d="m3 8.5 3.2 3.2L13 4.6" />,
  close: <path d="m3.8 3.8 8.4 8.4M12.2 3.8l-8.4 8.4" />,
  arrow: <path d="M2.5 8h11M9 3.5 13.5 8 9 12.5" />,
  database: (
    <path d="M3 4c0-1.1 2.2-2 5-2s5 .9 5 2-2.2 2-5 2-5-.9-5-2ZM3 4v8c0 1.1 2.2 2 5 2s5-.9 5-2V4M3 8c0 1.1 2.2 2 5 2s5-.9 5-2" />
  ),
  queue: <path d="M2 4.5h12v7H2zM5 4.5v7M8 4.5v7M11 4.5v7" />,
  external: <path d="M8 8m-6 0a6 6 0 1 0 12 0a6 6 0 1 0-12 0M2 8h12M8 2c-4 3.6-4 8.4 0 12M8 2c4 3.6 4 8.4 0 12" />,
  service: <path d="m8 1.8 5.4 3.1v6.2L8 14.2l-5.4-3.1V4.9ZM2.6 4.9 8 8l5.4-3.1M8 8v6.2" />,
} satisfies Record<string, JSX.Element>;

export type IconName = keyof typeof shapes;

/** A drawing next to a text that says the same; it is hidden from screen readers. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg class={`icon icon-${name}`} viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
      {shapes[name]}
    </svg>
  );
}
