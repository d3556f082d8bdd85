/** How many hues the theme has for services: --hue-0 to --hue-11. */
export const hues = 12;

/**
 * A hue for each name. A name wants the hue of its hash, so that a service looks the same on every page, and takes the
 * next free one when another has it; with more names than hues they are shared.
 */
export function hueOf(names: readonly string[]): Map<string, number> {
  const out = new Map<string, number>();
  const taken = new Set<number>();
  for (const name of [...new Set(names)].sort()) {
    if (taken.size === hues) taken.clear();
    let hue = hash(name) % hues;
    while (taken.has(hue)) hue = (hue + 1) % hues;
    taken.add(hue);
    out.set(name, hue);
  }
  return out;
}

// FNV-1a, 32 bits.
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return h;
}
