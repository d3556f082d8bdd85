// What came in to the shop: a sender of which little is known, one with refused spans, an archive that is down.

import { duration, timestamp } from "../src/model/time";
import type { Answers } from "./server";

const at = (seconds: number) => timestamp(Date.parse("2026-01-02T10:00:00Z") + seconds * 1000);

const cart = {
  signal: 1,
  tenant: "default",
  service: "cart",
  sdk: "go opentelemetry 1.47.0",
  address: "10.0.0.7",
  credential: "c355dce9",
  firstTime: at(0),
  lastTime: at(60),
  batches: 12n,
  accepted: 480n,
  refused: [
    { reason: "span_id", items: 2n },
    { reason: "trace_id", items: 18n },
  ],
  sample: {
    time: at(55),
    reason: "span_id",
    path: "resource_spans[0].scope_spans[0].spans[3].span_id",
    text: "2 bytes, want 8",
    item: '{"traceId":"0af7651916cd43dd8448eb211c80319c","name":"GET /cart","attributes":[{"key":"cut o',
  },
  lag: { p50: duration(450), p99: duration(1040), items: 480n },
  quality: { completeness: 0.998, accuracy: 0.96, timelinessSeconds: 6.7, consistency: 1 },
};

const quiet: Partial<typeof cart> & { service: string } = {
  signal: 2,
  tenant: "acme",
  service: "mailer",
  address: "10.0.0.8",
  firstTime: at(1),
  lastTime: at(2),
  batches: 1n,
  accepted: 3n,
  refused: [],
};

const forward = { direction: 1, effect: 1 };
const edges = [
  { from: "producer/cart", to: "received/traces", type: 1, itemsPerSecond: 8, items: 480n, ...forward },
  { from: "producer/mailer", to: "received/logs", type: 3, itemsPerSecond: 0, items: 3n, ...forward },
  { from: "received/traces", to: "pipeline/tidy/0", type: 1, itemsPerSecond: 8, items: 480n, ...forward },
  { from: "pipeline/tidy/0", to: "sink/assembly", type: 1, itemsPerSecond: 7, items: 420n, transform: 1, effect: 2 },
  { from: "pipeline/tidy/0", to: "dropped", type: 1, itemsPerSecond: 1, items: 60n, transform: 1, effect: 2 },
  { from: "received/logs", to: "sink/logs", type: 3, itemsPerSecond: 0, items: 3n, transform: 3, effect: 3 },
  { from: "sink/assembly", to: "producer/cart", type: 4, items: 1n, direction: 2, effect: 1 },
  { from: "received/traces", to: "received/logs", type: 5, items: 1n, direction: 3, effect: 1 },
];
const nodes = ["producer/cart", "producer/mailer", "received/traces", "received/logs", "pipeline/tidy/0"]
  .map((id) => ({ id, name: id.split("/")[1]!, role: id.startsWith("producer/") ? 1 : 2 }))
  .concat(["sink/assembly", "sink/logs", "dropped"].map((id) => ({ id, name: id.replace("sink/", ""), role: 3 })));

const closed = { address: "http://archive-2:4318", priority: 1, healthy: true, breaker: 1, sent: 30n };
const open = {
  address: "grpc://archive-1:4317",
  breaker: 2,
  failed: 9n,
  changedTime: at(30),
  lastError: "Unavailable: connection refused",
};

/** Senders as a page of two, then this many a page until there are so many. */
export function senders(total: number): Answers {
  const all = [cart, quiet];
  for (let i = all.length; i < total; i++) all.push({ ...cart, service: `edge-${i}`, refused: [] });
  return {
    "IngestionService/ListSenders": (request) => {
      const r = request as unknown as { signal: number; tenant: string; service: string; pageToken: string };
      const found = all.filter(
        (s) =>
          (!r.signal || s.signal === r.signal) &&
          (!r.tenant || s.tenant === r.tenant) &&
          (!r.service || s.service === r.service),
      );
      const [from, size] = [Number(r.pageToken), 100];
      return {
        senders: found.slice(from, from + size),
        nextPageToken: from + size < found.length ? String(from + size) : "",
      };
    },
  };
}

/** Answers of ingestion. */
export function arrivals(): Answers {
  return {
    ...senders(2),
    "IngestionService/GetLedger": () => ({
      signals: [
        { signal: 1, accepted: 100n, done: 94n, backlog: 6n, requests: 9n, refused: [{ reason: "rate", items: 20n }] },
        { signal: 2, accepted: 3n, done: 3n, requests: 1n, lost: 1n },
      ],
    }),
    "IngestionService/ListTenants": () => ({
      tenants: [
        { name: "default", accepted: 480n, inFlightBytes: 60_000_000n, inFlightShareBytes: 90_000_000n },
        { name: "acme", accepted: 3n, itemsPerSecond: 50_000, bytesPerSecond: 2e7, inFlightShareBytes: 180_000_000n },
      ],
    }),
    "IngestionService/ListDestinations": () => ({
      destinations: [
        { name: "assembly", signal: 1, done: 480n },
        { name: "archive", signal: 1, done: 30n, behindItems: 450n, behindBytes: 81_000n, endpoints: [open, closed] },
      ],
    }),
    "IngestionService/ListFaults": () => ({
      faults: [1, 2, 3, 4, 5].map((c) => ({
        class: c,
        kind: "unreachable",
        subject: "archive",
        signal: 1,
        count: 9n,
        items: BigInt(c),
        firstTime: at(20),
        lastTime: at(60 - c),
        text: "connection refused",
      })),
    }),
    "IngestionService/GetDataFlow": () => ({ nodes, edges }),
  };
}
