// The search line of the traces page: "operation=checkout min=200ms http.route=/cart".

/** The filters that the line says. */
export interface SearchFields {
  operation: string;
  min: string;
  max: string;
  /** "key=value", several with a space between. */
  attribute: string;
}

/** The fields that the line holds. */
export const searchKeys = ["operation", "min", "max", "attribute"];

/** Also understood, but shown as tokens of their own. */
const timeKeys = ["from", "to"];

/** The filters that have no field of their own, as one line of key=value. */
export function searchText(f: SearchFields): string {
  const quote = (v: string) => (/\s/.test(v) ? `"${v}"` : v);
  const named = (["operation", "min", "max"] as const).filter((k) => f[k]).map((k) => `${k}=${quote(f[k])}`);
  return [...named, f.attribute].filter(Boolean).join(" ");
}

/** Reads such a line; a word without "=" is an operation. */
export function parseSearch(text: string): Record<string, string> {
  const out: Record<string, string> = {};
  const rest: string[] = [];
  for (const [word] of text.matchAll(/[^\s"=]+="[^"]*"|"[^"]*"|\S+/g)) {
    const [, key, value] = /^([^\s"=]+)="?([^"]*)"?$/.exec(word) ?? [];
    if (key === undefined) out.operation = word.replaceAll('"', "");
    else if (searchKeys.includes(key) || timeKeys.includes(key)) out[key] = value!;
    else rest.push(word);
  }
  if (rest.length) out.attribute = rest.join(" ");
  return out;
}

/** Attributes as the contract wants them: "key=value", without the quotes that spaces need on the line. */
export function attributeList(text: string): string[] {
  return Array.from(text.matchAll(/([^\s"=]+)="([^"]*)"|\S+/g), ([word, key, value]) =>
    key ? `${key}=${value}` : word,
  );
}
