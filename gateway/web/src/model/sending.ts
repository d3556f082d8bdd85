// How to send: the commands that a newcomer copies.

/** Addresses for telemetry, host:port each. */
export interface Doors {
  grpc: string;
  http: string;
}

/**
 * Where telemetry is to be sent, from the addresses that ingestion listens on. One that stands for all of a machine's
 * addresses is that of the page; without a setting or with a port that is chosen at start, OTLP's own port is taken.
 */
export function doors(grpc: string | undefined, http: string | undefined, pageHost: string): Doors {
  return { grpc: door(grpc, pageHost, "4317"), http: door(http, pageHost, "4318") };
}

function door(listens: string | undefined, pageHost: string, usual: string): string {
  const [, host = "", port = ""] = /^(.*):(\d+)$/.exec(listens ?? "") ?? [];
  const everywhere = ["", "0.0.0.0", "[::]"].includes(host);
  return `${everywhere ? pageHost : host}:${port === "" || port === "0" ? usual : port}`;
}

/** Tells an OpenTelemetry SDK where to send. */
export function sdkCommand(d: Doors): string {
  return `export OTEL_EXPORTER_OTLP_PROTOCOL=grpc OTEL_EXPORTER_OTLP_ENDPOINT=http://${d.grpc} OTEL_SERVICE_NAME=my-service`;
}

/** Sends one span that began at a time and took 20 ms. The ids are hex, 32 and 16 digits. */
export function spanCommand(d: Doors, startMillis: number, traceId: string, spanId: string): string {
  const nano = (ms: number) => `${Math.round(ms)}000000`;
  const span = {
    traceId,
    spanId,
    name: "hello",
    kind: 2,
    startTimeUnixNano: nano(startMillis),
    endTimeUnixNano: nano(startMillis + 20),
  };
  const resource = { attributes: [{ key: "service.name", value: { stringValue: "my-service" } }] };
  const body = JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans: [span] }] }] });
  return `curl -H 'Content-Type: application/json' -d '${body}' http://${d.http}/v1/traces`;
}
