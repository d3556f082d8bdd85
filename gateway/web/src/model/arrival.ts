// The enums and closed sets of ingestion's contract in the words of the page.

import {
  BreakerState,
  FaultClass,
  FlowDirection,
  FlowEffect,
  FlowRole,
  FlowTransform,
  FlowType,
} from "../gen/triflow/ingestion/v1/ingestion_pb";
import type { Tone } from "./words";

/** Why ingestion refuses, by the contract's words; items first, then whole requests. */
export const refusalWords: Record<string, string> = {
  trace_id: "the trace id is not 16 bytes, or all of them are zero",
  span_id: "the span id is not 8 bytes, or all of them are zero",
  parent_id: "the parent's span id is not 8 bytes",
  utf8: "a text is not UTF-8 and cannot be mended",
  depth: "values are nested too deep",
  count: "a list is too long",
  buckets: "the buckets of a histogram do not fit its bounds or count",
  value: "a value is none that its field may have",
  time: "a time is none that can be",
  malformed: "the request cannot be read",
  too_large: "the request is larger than allowed, unpacked",
  unsupported: "the content type or encoding is not known",
  rate: "the tenant has used up its rate; it was told when to come again",
  overload: "there was no room in memory; it was told when to come again",
  full: "the log on disk is full; it was told when to come again",
  draining: "Triflow was going down; it was told to come again",
  not_stored: "the log could not be written; it was told to come again",
  deadline: "the sender's own deadline passed",
  canceled: "the sender gave up",
};

export const breakerWords: Record<BreakerState, [Tone, string]> = {
  [BreakerState.UNSPECIFIED]: ["off", "Unknown"],
  [BreakerState.CLOSED]: ["good", "Closed"],
  [BreakerState.OPEN]: ["bad", "Open"],
  [BreakerState.HALF_OPEN]: ["warn", "Half open"],
};

export const faultWords: Record<FaultClass, [Tone, string, string]> = {
  [FaultClass.UNSPECIFIED]: ["off", "Unknown", ""],
  [FaultClass.CRASH]: ["bad", "Crash", "it does not answer any more"],
  [FaultClass.OMISSION]: ["warn", "Omission", "something is missing, came twice or out of order"],
  [FaultClass.TIMING]: ["warn", "Timing", "an answer came too late"],
  [FaultClass.RESPONSE]: ["warn", "Response", "an answer or a batch is not what it should be"],
  [FaultClass.BYZANTINE]: ["bad", "Byzantine", "two collectors vouch for different things"],
};

export const roleWords: Record<FlowRole, string> = {
  [FlowRole.UNSPECIFIED]: "node",
  [FlowRole.PRODUCER]: "producer",
  [FlowRole.STAGE]: "stage",
  [FlowRole.SINK]: "sink",
};

export const typeWords: Record<FlowType, string> = {
  [FlowType.UNSPECIFIED]: "items",
  [FlowType.SPAN]: "spans",
  [FlowType.METRIC]: "metric points",
  [FlowType.LOG]: "log records",
  [FlowType.EVENT]: "events",
  [FlowType.LINK]: "links",
};

export const transformWords: Record<FlowTransform, string> = {
  [FlowTransform.UNSPECIFIED]: "unchanged",
  [FlowTransform.FILTER]: "filter",
  [FlowTransform.AGGREGATE]: "aggregate",
  [FlowTransform.ENRICH]: "enrich",
  [FlowTransform.SAMPLE]: "sample",
  [FlowTransform.BATCH]: "batch",
};

export const effectWords: Record<FlowEffect, string> = {
  [FlowEffect.UNSPECIFIED]: "unknown",
  [FlowEffect.LOSSLESS]: "lossless",
  [FlowEffect.LOSSY]: "lossy",
  [FlowEffect.ENRICHING]: "enriching",
};

export const flowDirectionWords: Record<FlowDirection, [string, string]> = {
  [FlowDirection.UNSPECIFIED]: ["unknown", ""],
  [FlowDirection.FORWARD]: ["forward", "application to backend"],
  [FlowDirection.REVERSE]: ["reverse", "configuration to application"],
  [FlowDirection.LATERAL]: ["lateral", "collector to collector"],
};
