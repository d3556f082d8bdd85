// A small shop in which the database of the cart is slow, as the services would tell it.

import { create } from "@bufbuild/protobuf";
import { AnyValueSchema, type KeyValue, KeyValueSchema } from "../src/gen/opentelemetry/proto/common/v1/common_pb";
import { duration, timestamp } from "../src/model/time";
import { arrivals } from "./arrivals";
import type { Answers } from "./server";

const start = Date.parse("2026-01-02T10:00:00Z");
const at = (seconds: number) => timestamp(start + seconds * 1000);
export const traceId = "0af7651916cd43dd8448eb211c80319c";
const red = { rate: 12.5, errorRatio: 0.08, p50: duration(12), p90: duration(80), p99: duration(240), requests: 750n };
const names = ["cart", "cart-db", "frontend"];
const services = names.map((name, i) => ({ name, kind: i === 1 ? 2 : 1, red, lastSeenTime: at(60) }));
const edges = [
  { client: "cart", server: "cart-db", red },
  { client: "frontend", server: "cart", red, asynchronous: true },
];

const series = { name: "service.latency.p90", labels: { service: "cart" } };
const anomaly = {
  id: "a1",
  series,
  service: "cart",
  direction: 1,
  score: 9.2,
  value: 0.4,
  expected: 0.03,
  scale: 0.01,
  startTime: at(20),
  lastTime: at(50),
  confidence: 0.97,
};

const incident = {
  id: "i1",
  title: "cart is slow",
  state: 1,
  startTime: at(20),
  updateTime: at(50),
  services: ["cart", "frontend"],
  causes: [
    {
      service: "cart",
      kind: 1,
      confidence: 0.72,
      explanation: "Its own time rose twelvefold before its callers' did.",
      evidence: [
        { statement: "Its latency left its past.", fact: { case: "series" as const, value: anomaly } },
        { statement: "A request that took long.", fact: { case: "trace" as const, value: { traceId } } },
        {
          statement: "Calls carried it on.",
          fact: { case: "edge" as const, value: { client: "frontend", server: "cart" } },
        },
        {
          statement: "A template is new.",
          fact: { case: "logTemplate" as const, value: { templateId: "t1", template: "lock wait <*>" } },
        },
      ],
    },
    { service: "frontend", kind: 2, confidence: 0.1, explanation: "It fails too.", evidence: [] },
  ],
  anomalies: [anomaly],
};

const summary = {
  traceId,
  rootService: "frontend",
  rootOperation: "GET /cart",
  startTime: at(30),
  duration: duration(120),
  spanCount: 3,
  errorCount: 1,
  services: names,
  state: 2,
  error: "cart-db: lock wait timeout",
  policy: "errors",
  adjustedCount: 1,
};

function text(key: string, value: string): KeyValue {
  return create(KeyValueSchema, { key, value: create(AnyValueSchema, { value: { case: "stringValue", value } }) });
}

function span(id: number, parent: number, name: string, from: number, to: number, failed = false) {
  const nano = (ms: number) => BigInt(start + 30_000 + ms) * 1_000_000n;
  return {
    traceId: Uint8Array.from(Buffer.from(traceId, "hex")),
    spanId: new Uint8Array(8).fill(id),
    parentSpanId: parent ? new Uint8Array(8).fill(parent) : new Uint8Array(),
    name,
    kind: 2,
    startTimeUnixNano: nano(from),
    endTimeUnixNano: nano(to),
    attributes: [text("http.route", "/cart")],
    events: failed
      ? [{ name: "exception", timeUnixNano: nano(to), attributes: [text("exception.type", "Timeout")] }]
      : [],
    status: { code: failed ? 2 : 0, message: failed ? "lock wait timeout" : "" },
  };
}

const under = (service: string, ...spans: ReturnType<typeof span>[]) => ({
  resource: { attributes: [text("service.name", service)] },
  scopeSpans: [{ scope: { name: "shop" }, spans }],
});

const segment = (id: string, operation: string, from: number, length: number) => ({
  spanId: id.repeat(8),
  service: "cart",
  operation,
  startTime: timestamp(start + 30_000 + from),
  duration: duration(length),
});

const record = {
  time: at(31),
  service: "cart",
  severityNumber: 17,
  body: "lock wait 42",
  traceId,
  spanId: "02".repeat(8),
  templateId: "t1",
};

/** A plan, proposed until approved; then it has run. */
function plans(): Answers {
  let by = "";
  const plan = () => ({
    id: "r1",
    incidentId: "i1",
    playbook: "see-more",
    service: "cart",
    causeKind: 1,
    confidence: 0.72,
    state: by ? 4 : 1,
    steps: [
      { kind: 2, parameters: { service: "cart", for: "10m" }, dryRun: "Would keep all traces of cart for 10 min." },
    ],
    planHash: "ab12",
    decidedBy: by,
    createTime: at(25),
    expireTime: timestamp(Date.now() + 600_000),
    updateTime: at(26),
  });
  const entry = (sequence: bigint, event: string, actor: string) => ({
    sequence,
    event,
    actor,
    time: at(26),
    remediationId: "r1",
    detail: `It was ${event}.`,
    hash: "c0ffee00".repeat(8),
  });
  return {
    "RemediationService/ListRemediations": () => ({ remediations: [plan()] }),
    "RemediationService/GetRemediation": () => ({
      remediation: plan(),
      audit: [entry(1n, "proposed", "triflow"), ...(by ? [entry(2n, "approved", by)] : [])],
    }),
    "RemediationService/ApproveRemediation": (request) => {
      by = (request as unknown as { approver: string }).approver;
      return { remediation: plan() };
    },
  };
}

/** Answers of the shop; every call of shop begins with the plan undecided. */
export function shop(): Answers {
  return {
    ...plans(),
    ...arrivals(),
    "AssemblyService/ListServices": () => ({ services }),
    "AssemblyService/GetService": () => ({
      service: services[0],
      operations: [{ name: "GET /cart", red }],
      callers: [edges[1]],
      callees: [edges[0]],
    }),
    "AssemblyService/GetGraph": () => ({ services, edges }),
    "AssemblyService/SearchTraces": () => ({ traces: [summary] }),
    "AssemblyService/GetTrace": () => ({
      summary,
      resourceSpans: [
        under("frontend", span(1, 0, "GET /cart", 0, 120)),
        under("cart", span(2, 1, "cart.Get", 10, 110)),
        under("cart-db", span(3, 2, "SELECT cart", 20, 100, true)),
      ],
      spanNotes: [{ place: 2 }, { place: 1, parent: 0 }, { place: 1, parent: 1 }],
      findings: [{ kind: 4, spanId: "03".repeat(8), detail: "Its clock is 2 ms behind." }],
    }),
    "AssemblyService/GetCriticalPath": () => ({
      segments: [segment("01", "GET /cart", 0, 10), segment("03", "SELECT cart", 20, 80)],
      shares: [{ service: "cart-db", operation: "SELECT cart", duration: duration(80), share: 0.8 }],
      status: 1,
    }),
    "AssemblyService/GetLedger": () => ({
      received: 100n,
      kept: 40n,
      dropped: [{ reason: "sampled_out", spans: 50n }],
      duplicates: 4n,
      pending: 6n,
    }),
    "DiagnosisService/ListIncidents": () => ({ incidents: [incident] }),
    "DiagnosisService/GetIncident": () => ({ incident }),
    "DiagnosisService/ListServiceStates": () => ({
      states: names.map((service, i) => ({ service, state: [3, 2, 1][i], reason: i < 2 ? "Its latency rose." : "" })),
    }),
    "AnomalyService/ListAnomalies": () => ({ anomalies: [anomaly] }),
    "AnomalyService/QuerySeries": () => ({
      series: [{ series, times: [0, 10, 20, 30, 40].map(at), values: [0.03, 0.03, 0.2, 0.4, 0.35] }],
    }),
    "LogsService/SearchLogs": () => ({ logs: [record] }),
    "LogsService/ListTemplates": () => ({
      templates: [
        {
          id: "t1",
          service: "cart",
          template: "lock wait <*>",
          count: 12n,
          firstTime: at(21),
          lastTime: at(40),
          maxSeverityNumber: 17,
          rate: 0.4,
        },
      ],
    }),
    "SamplingService/GetPolicySet": () => ({
      policySet: { policies: [{ name: "all", rule: { case: "always" as const, value: {} } }], epoch: 1n, etag: "e1" },
    }),
    "SamplingService/GetCluster": () => ({ leaderId: "n1", term: 2n, voters: [{ nodeId: "n1" }], decisions: 8n }),
    "ConfigService/GetConfig": () => ({
      settings: [
        { name: "assembly.quiet", value: "2s", default: "2s", help: "How long a trace is quiet before it closes." },
      ],
    }),
  };
}
