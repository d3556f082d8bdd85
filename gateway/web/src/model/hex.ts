/** Lower-case hex of bytes; ids of spans and traces are bytes in OTLP and hex everywhere else. */
export function hex(bytes: Uint8Array): string {
  let out = "";
  for (const b of bytes) out += (b < 16 ? "0" : "") + b.toString(16);
  return out;
}
