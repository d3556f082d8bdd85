/**
 * JSON with a line for each member, as JSON.stringify would indent it. It reads only what it needs to: a text that was cut
 * off is laid out as far as it goes, and numbers keep their digits.
 */
export function indentJson(text: string): string {
  let out = "";
  let depth = 0;
  const line = () => `\n${"  ".repeat(Math.max(0, depth))}`;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"?|[[{]\s*[\]}]|[[\]{},:]|[^\s"[\]{},:]+/g)) {
    if (token.length > 1) out += /^[[{]/.test(token) ? token[0]! + token.at(-1)! : token;
    else if (token === "{" || token === "[") {
      depth++;
      out += token + line();
    } else if (token === "}" || token === "]") {
      depth--;
      out += line() + token;
    } else if (token === ",") out += token + line();
    else out += token === ":" ? ": " : token;
  }
  return out;
}
