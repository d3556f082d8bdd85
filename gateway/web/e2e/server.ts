// A stand-in for the gateway: the built page under the gateway's policy, and answers from fixtures over Connect.

import { readFile } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { create, type DescService, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { AnomalyService } from "../src/gen/triflow/anomaly/v1/anomaly_pb";
import { AssemblyService } from "../src/gen/triflow/assembly/v1/assembly_pb";
import { DiagnosisService } from "../src/gen/triflow/diagnosis/v1/diagnosis_pb";
import { ChangeKind, ConfigService, LiveService, WatchResponseSchema } from "../src/gen/triflow/gateway/v1/gateway_pb";
import { IngestionService } from "../src/gen/triflow/ingestion/v1/ingestion_pb";
import { LogsService } from "../src/gen/triflow/logs/v1/logs_pb";
import { RemediationService } from "../src/gen/triflow/remediation/v1/remediation_pb";
import { SamplingService } from "../src/gen/triflow/sampling/v1/sampling_pb";

const services: DescService[] = [
  AnomalyService,
  AssemblyService,
  ConfigService,
  DiagnosisService,
  IngestionService,
  LiveService,
  LogsService,
  RemediationService,
  SamplingService,
];

const dist = join(import.meta.dirname, "../dist");
const types: Record<string, string> = { ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
  "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/** A refusal instead of an answer. */
export class Refusal extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** Answers by "ServiceName/Method"; what is not in it is answered with an empty message. */
export type Answers = Record<string, (request: Message) => object>;

/** A running stand-in. */
export interface Mock {
  url: string;
  /** May be replaced at any time. */
  answers: Answers;
  /** Whether changes are streamed. */
  streams: boolean;
  close(): void;
}

/** Starts on a free port of the loopback interface. */
export async function startMock(): Promise<Mock> {
  const mock: Mock = { url: "", answers: {}, streams: true, close: () => undefined };
  const server = createServer(async (req, res) => {
    res.setHeader("Content-Security-Policy", policy);
    const path = new URL(req.url ?? "/", "http://mock").pathname;
    if (!path.startsWith("/triflow.")) return serveFile(path, res);
    if (path.endsWith("/Watch") && !mock.streams) return void res.writeHead(404).end();
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    answer(path, Buffer.concat(chunks), res, mock.answers);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  mock.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  mock.close = () => {
    server.closeAllConnections();
    server.close();
  };
  return mock;
}

async function serveFile(path: string, res: ServerResponse): Promise<void> {
  const file = extname(path) ? path : "/index.html"; // every other path is a view of the page
  try {
    const content = await readFile(join(dist, file));
    res.setHeader("Content-Type", types[extname(file)] ?? "text/html; charset=utf-8").end(content);
  } catch {
    res.writeHead(404).end();
  }
}

function answer(path: string, body: Buffer, res: ServerResponse, answers: Answers): void {
  const [, service, name] = path.split("/");
  const found = services.find((s) => s.typeName === service);
  const method = found?.methods.find((m) => m.name === name);
  if (!found || !method) {
    res.writeHead(404).end();
    return;
  }
  if (method.methodKind === "server_streaming") {
    watch(res);
    return;
  }
  try {
    const make = answers[`${found.name}/${name}`] ?? answers["*"];
    const message = create(
      method.output,
      make?.(fromBinary(method.input, body)) as Record<string, unknown> | undefined,
    );
    res.setHeader("Content-Type", "application/proto").end(toBinary(method.output, message));
  } catch (thrown) {
    if (!(thrown instanceof Refusal)) throw thrown;
    res.writeHead(thrown.code === "unavailable" ? 503 : 409, { "Content-Type": "application/json" });
    res.end(JSON.stringify({ code: thrown.code, message: thrown.message }));
  }
}

// One message in Connect's envelope, one byte of flags and four of length; then the stream stays open.
function watch(res: ServerResponse): void {
  const message = toBinary(WatchResponseSchema, create(WatchResponseSchema, { kind: ChangeKind.RESYNC }));
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  res.setHeader("Content-Type", "application/connect+proto").write(Buffer.concat([head, message]));
}
