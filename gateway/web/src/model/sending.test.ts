import { expect, test } from "vitest";
import { doors, sdkCommand, spanCommand } from "./sending";

test.each([
  ["the address that it listens on", "10.0.0.7:14317", "10.0.0.7:14317"],
  ["the page's host, where it listens on all addresses", ":14317", "shop.example:14317"],
  ["the page's host, for all of version 4", "0.0.0.0:4317", "shop.example:4317"],
  ["the page's host, for all of version 6", "[::]:4317", "shop.example:4317"],
  ["OTLP's own port, when one is chosen at start", "127.0.0.1:0", "127.0.0.1:4317"],
  ["OTLP's own port on the page's host, without a setting", undefined, "shop.example:4317"],
])("telemetry goes to %s", (_, listens, to) => {
  expect(doors(listens, undefined, "shop.example")).toEqual({ grpc: to, http: "shop.example:4318" });
});

test("the commands hold what an SDK and the receiver want", () => {
  const to = doors(undefined, undefined, "host");
  expect(sdkCommand(to)).toContain("OTEL_EXPORTER_OTLP_ENDPOINT=http://host:4317 ");
  const command = spanCommand(to, 1_760_000_000_000, "0a".repeat(16), "0b".repeat(8));
  const [, body = ""] = /-d '(.*)' http:\/\/host:4318\/v1\/traces$/.exec(command) ?? [];
  const span = JSON.parse(body).resourceSpans[0].scopeSpans[0].spans[0];
  expect([span.traceId.length, span.spanId.length, span.endTimeUnixNano]).toEqual([32, 16, "1760000000020000000"]);
});
