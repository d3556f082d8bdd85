import type { ComponentChildren } from "preact";

/** A column of a table. The first one names the row and holds its link. */
export interface Column<T> {
  title: string;
  cell: (row: T) => ComponentChildren;
  /** Figures stand right. */
  right?: boolean;
  /** CSS width; the column without one takes the rest. */
  width?: string;
  /** Not for narrow screens. */
  wide?: boolean;
  /** Only for broad screens. */
  broad?: boolean;
}

/** Rows that can be walked with j and k, and opened with Enter. */
export function Table<T>({
  label,
  columns,
  rows,
  id,
  href,
  open,
}: {
  label: string;
  columns: Column<T>[];
  rows: readonly T[];
  id: (row: T) => string;
  /** Where a row leads. */
  href?: (row: T) => string;
  /** Says in words what the link opens. */
  open?: (row: T) => string;
}) {
  const room = (c: Column<T>) => (c.broad ? "broad" : c.wide ? "wide" : undefined);
  const className = (c: Column<T>) => [c.right && "right", room(c)].filter(Boolean).join(" ") || undefined;
  return (
    <div class="table-box">
      <table class={href ? "table is-linked" : "table"} aria-label={label}>
        <colgroup>
          {columns.map((c) => (
            <col key={c.title} style={c.width ? { width: c.width } : undefined} class={room(c)} />
          ))}
        </colgroup>
        <thead>
          <tr>
            {columns.map((c) => (
              <th key={c.title} scope="col" class={className(c)}>
                {c.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={id(row)}>
              {columns.map((c, i) => (
                <td key={c.title} class={className(c)}>
                  {i === 0 && href ? (
                    <a data-row class="row-link" href={href(row)} aria-label={open?.(row)}>
                      {c.cell(row)}
                    </a>
                  ) : (
                    c.cell(row)
                  )}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** The step to the next page of a list. */
export function More({ token, onMore, busy }: { token: string; onMore: () => void; busy: boolean }) {
  if (!token) return null;
  return (
    <div class="more">
      <button type="button" class="button" onClick={onMore} disabled={busy}>
        {busy ? "Loading…" : "Show more"}
      </button>
    </div>
  );
}
