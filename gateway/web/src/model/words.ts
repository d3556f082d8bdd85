// The contracts' enums in the words of the page.

import { Direction } from "../gen/triflow/anomaly/v1/anomaly_pb";
import { FindingKind, NodeKind, TraceState } from "../gen/triflow/assembly/v1/assembly_pb";
import { CauseKind, HealthState } from "../gen/triflow/diagnosis/v1/diagnosis_pb";
import { Signal } from "../gen/triflow/handoff/v1/handoff_pb";
import { ActionKind, RemediationState } from "../gen/triflow/remediation/v1/remediation_pb";

/** The tones that the theme draws, each with its own shape. */
export type Tone = "good" | "warn" | "bad" | "busy" | "off";

export const healthWords: Record<HealthState, [Tone, string]> = {
  [HealthState.UNSPECIFIED]: ["off", "Unknown"],
  [HealthState.HEALTHY]: ["good", "Healthy"],
  [HealthState.DEGRADED]: ["warn", "Degraded"],
  [HealthState.FAILING]: ["bad", "Failing"],
};

export const causeWords: Record<CauseKind, [string, string]> = {
  [CauseKind.UNSPECIFIED]: ["Unknown", "what went wrong is not known"],
  [CauseKind.SLOW]: ["Slow", "its own work takes longer"],
  [CauseKind.FAILING]: ["Failing", "it fails by itself"],
  [CauseKind.SATURATED]: ["Saturated", "a resource of it is used up"],
  [CauseKind.CONTEXT_LOST]: ["Context lost", "it does not pass on the trace context"],
  [CauseKind.RETRY_STORM]: ["Retry storm", "it calls a dependency many times for one request"],
  [CauseKind.TRAFFIC]: ["Traffic", "it gets more or fewer requests than before, from outside"],
};

export const remediationWords: Record<RemediationState, [Tone, string]> = {
  [RemediationState.UNSPECIFIED]: ["off", "Unknown"],
  [RemediationState.PROPOSED]: ["warn", "Awaits approval"],
  [RemediationState.APPROVED]: ["busy", "Approved"],
  [RemediationState.RUNNING]: ["busy", "Running"],
  [RemediationState.SUCCEEDED]: ["good", "Succeeded"],
  [RemediationState.FAILED]: ["bad", "Failed"],
  [RemediationState.REJECTED]: ["off", "Rejected"],
  [RemediationState.EXPIRED]: ["off", "Expired"],
};

export const traceWords: Record<TraceState, [Tone, string]> = {
  [TraceState.UNSPECIFIED]: ["off", "Unknown"],
  [TraceState.OPEN]: ["busy", "Open"],
  [TraceState.COMPLETE]: ["good", "Complete"],
  [TraceState.INCOMPLETE]: ["warn", "Incomplete"],
};

export const nodeWords: Record<NodeKind, string> = {
  [NodeKind.UNSPECIFIED]: "node",
  [NodeKind.SERVICE]: "service",
  [NodeKind.DATABASE]: "database",
  [NodeKind.QUEUE]: "queue",
  [NodeKind.EXTERNAL]: "external",
};

export const actionWords: Record<ActionKind, [string, string]> = {
  [ActionKind.UNSPECIFIED]: ["Unknown action", ""],
  [ActionKind.WEBHOOK]: ["Call a webhook", "POST of a signed JSON body to an allowed address"],
  [ActionKind.SAMPLING_BOOST]: ["Keep all traces", "a sampling policy for the service until it expires"],
};

export const findingWords: Record<FindingKind, string> = {
  [FindingKind.UNSPECIFIED]: "Fault",
  [FindingKind.ORPHAN]: "Parent missing",
  [FindingKind.SEVERAL_ROOTS]: "Several roots",
  [FindingKind.CYCLE]: "Cycle",
  [FindingKind.STARTS_BEFORE_PARENT]: "Starts before its parent",
  [FindingKind.NEGATIVE_DURATION]: "Ends before it starts",
  [FindingKind.MISSING_START]: "No start time",
  [FindingKind.MISSING_END]: "No end time",
};

export const signalWords: Record<Signal, string> = {
  [Signal.UNSPECIFIED]: "Unknown",
  [Signal.TRACES]: "Spans",
  [Signal.LOGS]: "Log records",
  [Signal.METRICS]: "Metric points",
};

export function directionWord(d: Direction): string {
  return d === Direction.DOWN ? "fell" : "rose";
}

/** OTLP severity number as its short name and a tone. */
export function severity(number: number): [Tone, string] {
  if (number >= 21) return ["bad", "FATAL"];
  if (number >= 17) return ["bad", "ERROR"];
  if (number >= 13) return ["warn", "WARN"];
  if (number >= 9) return ["off", "INFO"];
  if (number >= 5) return ["off", "DEBUG"];
  return ["off", number >= 1 ? "TRACE" : "–"];
}

/** "1 span", "3 spans". */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}
