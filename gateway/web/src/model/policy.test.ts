import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { PolicySetSchema } from "../gen/triflow/sampling/v1/sampling_pb";
import { parsePolicies, policyText, policyWords } from "./policy";

const set = create(PolicySetSchema, {
  policies: [
    { name: "errors", rule: { case: "status", value: { codes: [3] } } },
    { name: "slow", rule: { case: "latency", value: { min: { seconds: 2n, nanos: 0 } } }, service: "cart" },
    { name: "some", rule: { case: "probabilistic", value: { ratio: 0.1 } } },
  ],
  epoch: 3n,
  etag: "x",
});

test("policies that are written and read again are the same", () => {
  expect(parsePolicies(policyText(set))).toEqual(set.policies);
});

test("a field that the contract does not know is refused", () => {
  expect(() => parsePolicies('[{"name":"a","allways":{}}]')).toThrow(/allways/);
});

test("a policy is said in words", () => {
  expect(set.policies.map(policyWords)).toEqual([
    "traces with status error",
    "traces whose root span takes at least 2 s",
    "10 % of traces",
  ]);
});
