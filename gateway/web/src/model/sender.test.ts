import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { Signal } from "../gen/triflow/handoff/v1/handoff_pb";
import { RefusedCountSchema, SenderSchema } from "../gen/triflow/ingestion/v1/ingestion_pb";
import {
  batchesText,
  refusedItems,
  refusedText,
  type SenderKey,
  senderId,
  senderOf,
  senderQuery,
  signalOf,
  steadyOrder,
} from "./sender";
import { timestamp } from "./time";

const odd: SenderKey = {
  signal: Signal.LOGS,
  tenant: "a & b",
  service: "käse/%2F?x=1",
  sdk: "go opentelemetry 1.47.0",
  address: "::1",
  credential: "",
};

test("a sender comes back from its address as it was", () => {
  const written = new URLSearchParams(senderQuery(odd)).toString();
  expect(senderOf(new URLSearchParams(written))).toEqual(odd);
  expect(senderOf(new URLSearchParams("signal=logs&service=a")).credential).toBe("");
});

test("senders that differ in any part differ", () => {
  const ids = [odd, { ...odd, tenant: "a" }, { ...odd, credential: "1" }, { ...odd, signal: Signal.TRACES }].map(
    senderId,
  );
  expect(new Set(ids).size).toBe(4);
});

test("what is no signal selects none", () => {
  expect([signalOf("metrics"), signalOf(""), signalOf(null), signalOf("events")]).toEqual([Signal.METRICS, 0, 0, 0]);
});

test("who sends now keeps his place, and who was silent comes later", () => {
  const sent = [
    ["a", 10],
    ["cart", 99],
    ["bank", 100],
    ["stock", 30],
    ["cart", 98],
  ] as const;
  const rows = sent.map(([service, at]) => create(SenderSchema, { service, lastTime: timestamp(at * 1000) }));
  expect(steadyOrder(rows).map((s) => s.service)).toEqual(["bank", "cart", "cart", "stock", "a"]);
  expect(steadyOrder([])).toEqual([]);
});

test("what was refused is told by reason, most first", () => {
  const refused = [
    ["rate", 3n],
    ["trace_id", 12n],
  ] as const;
  const counts = refused.map(([reason, items]) => create(RefusedCountSchema, { reason, items }));
  expect(refusedText(counts)).toBe("12 trace_id, 3 rate");
  expect(refusedItems(counts)).toBe(15n);
  expect(refusedText([])).toBe("none");
  expect([0n, 1n, 2n].map(batchesText)).toEqual(["0 batches", "1 batch", "2 batches"]);
});
