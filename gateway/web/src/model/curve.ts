import type { Point, Spacing } from "./graph";

/** The line from a node to the next, through its bends, as the data of an SVG path. It leaves right and arrives left. */
export function curve(from: Point, bends: readonly Point[], to: Point, spacing: Spacing): string {
  const half = spacing.nodeWidth / 2;
  let at = { x: from.x + half, y: from.y };
  let d = `M${at.x} ${at.y}`;
  for (const next of [...bends, to]) {
    const entry = { x: next.x - half, y: next.y };
    // What runs back swings out by a gap's width instead.
    const swing = entry.x <= at.x ? spacing.layerGap : (entry.x - at.x) / 2;
    d += `C${at.x + swing} ${at.y} ${entry.x - swing} ${entry.y} ${entry.x} ${entry.y}`;
    at = { x: next.x + half, y: next.y };
    if (next !== to) d += `H${at.x}`;
  }
  return d;
}
