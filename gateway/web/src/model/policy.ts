// Sampling policies in words, and as the JSON that a person edits.

import { fromJson, toJson } from "@bufbuild/protobuf";
import {
  LatencyMeasure,
  type Policy,
  type PolicySet,
  PolicySetSchema,
  StatusCode,
} from "../gen/triflow/sampling/v1/sampling_pb";
import { formatShare } from "./number";
import { durationMillis, formatDuration } from "./time";

/** What a policy keeps, in a few words. */
export function policyWords(p: Policy): string {
  const { rule } = p;
  switch (rule.case) {
    case "always":
      return "every trace";
    case "probabilistic":
      return `${formatShare(rule.value.ratio)} of traces`;
    case "status":
      return `traces with status ${rule.value.codes.map((c) => StatusCode[c].toLowerCase()).join(" or ")}`;
    case "latency": {
      const what = rule.value.measure === LatencyMeasure.RANGE ? "whole trace" : "root span";
      const below = rule.value.max ? ` and less than ${formatDuration(durationMillis(rule.value.max))}` : "";
      return `traces whose ${what} takes at least ${formatDuration(durationMillis(rule.value.min))}${below}`;
    }
    case "attribute": {
      const values = rule.value.values.length ? ` = ${rule.value.values.join(" or ")}` : "";
      return `traces ${rule.value.invert ? "without" : "with"} ${rule.value.key}${values}`;
    }
    default:
      return "nothing: it has no rule";
  }
}

/** The policies as indented JSON, without what only the server sets. */
export function policyText(set: PolicySet): string {
  const json = toJson(PolicySetSchema, set) as { policies?: unknown };
  return JSON.stringify(json.policies ?? [], null, 2);
}

/** Reads such JSON. Throws an Error that says what is wrong and where. */
export function parsePolicies(text: string): Policy[] {
  return fromJson(PolicySetSchema, { policies: JSON.parse(text) }).policies;
}
