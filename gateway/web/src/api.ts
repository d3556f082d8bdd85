// The one way to the server: Connect on the page's own origin, one client for each service of the contracts.

import { BinaryReader } from "@bufbuild/protobuf/wire";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { AnomalyService } from "./gen/triflow/anomaly/v1/anomaly_pb";
import { AssemblyService } from "./gen/triflow/assembly/v1/assembly_pb";
import { DiagnosisService } from "./gen/triflow/diagnosis/v1/diagnosis_pb";
import { ConfigService, LiveService } from "./gen/triflow/gateway/v1/gateway_pb";
import { IngestionService } from "./gen/triflow/ingestion/v1/ingestion_pb";
import { LogsService } from "./gen/triflow/logs/v1/logs_pb";
import { RemediationService } from "./gen/triflow/remediation/v1/remediation_pb";
import { SamplingService } from "./gen/triflow/sampling/v1/sampling_pb";

// Binary, as a trace of 10 000 spans is three times the size in JSON and its 64-bit times would come as text.
const transport = createConnectTransport({ baseUrl: "/", useBinaryFormat: true });

export const ingestion = createClient(IngestionService, transport);
export const sampling = createClient(SamplingService, transport);
export const assembly = createClient(AssemblyService, transport);
export const logs = createClient(LogsService, transport);
export const anomaly = createClient(AnomalyService, transport);
export const diagnosis = createClient(DiagnosisService, transport);
export const remediation = createClient(RemediationService, transport);
export const config = createClient(ConfigService, transport);
export const live = createClient(LiveService, transport);

/** What went wrong with a call, ready to show. */
export interface Problem {
  /** The code in words: "not found". */
  code: string;
  /** The message of the google.rpc.Status. */
  message: string;
  /** The faulty fields, from google.rpc.BadRequest. */
  fields: { field: string; description: string }[];
  /** Whether the same call may succeed later. */
  passing: boolean;
}

const passingCodes = new Set([Code.Unavailable, Code.DeadlineExceeded, Code.Aborted, Code.ResourceExhausted]);

/** Any thrown value as a Problem. */
export function problem(thrown: unknown): Problem {
  const err = ConnectError.from(thrown);
  if (err.code === Code.Unknown && err.cause instanceof TypeError) {
    return { code: "no answer", message: "Triflow does not answer. Is it running?", fields: [], passing: true };
  }
  return {
    code: (Code[err.code] ?? "Unknown").replace(/(?<=[a-z])[A-Z]/g, (c) => ` ${c}`).toLowerCase(),
    message: err.rawMessage || "no message came with the error",
    fields: err.details.flatMap((d) => ("type" in d && d.type === "google.rpc.BadRequest" ? violations(d.value) : [])),
    passing: passingCodes.has(err.code),
  };
}

/** Whether the server says that the thing is not there. */
export function isNotFound(p: Problem): boolean {
  return p.code === "not found";
}

// google.rpc.BadRequest { repeated FieldViolation field_violations = 1; }, FieldViolation { field = 1; description = 2; }.
// Read by hand: it is the only message of google.rpc that the page needs.
function violations(bytes: Uint8Array): Problem["fields"] {
  const out: Problem["fields"] = [];
  try {
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const [number, wire] = reader.tag();
      if (number === 1) out.push(violation(reader.bytes()));
      else reader.skip(wire, number);
    }
  } catch {
    // A detail that cannot be read only makes the message shorter.
  }
  return out;
}

function violation(bytes: Uint8Array): Problem["fields"][number] {
  const out = { field: "", description: "" };
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, wire] = reader.tag();
    if (number === 1) out.field = reader.string();
    else if (number === 2) out.description = reader.string();
    else reader.skip(wire, number);
  }
  return out;
}
