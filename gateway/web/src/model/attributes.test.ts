import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { type AnyValue, AnyValueSchema, KeyValueSchema } from "../gen/opentelemetry/proto/common/v1/common_pb";
import { attribute, attributes, valueText } from "./attributes";

const value = (v: AnyValue["value"]) => create(AnyValueSchema, { value: v });

test.each([
  ["a text as it is", value({ case: "stringValue", value: "a" }), "a"],
  [
    "a whole number too large for JSON without loss",
    value({ case: "intValue", value: 2n ** 60n }),
    "1152921504606846976",
  ],
  ["what JSON has no number for", value({ case: "doubleValue", value: Number.NaN }), "NaN"],
  ["bytes as hex", value({ case: "bytesValue", value: Uint8Array.of(1, 255) }), "01ff"],
  ["nothing as null", undefined, "null"],
])("a value shows %s", (_, v, text) => {
  expect(valueText(v)).toBe(text);
});

test("attributes stand by key, and one that is not there is undefined", () => {
  const list = ["b", "a"].map((key) =>
    create(KeyValueSchema, { key, value: value({ case: "boolValue", value: true }) }),
  );
  expect(attributes(list).map((a) => a.key)).toEqual(["a", "b"]);
  expect(attribute(list, "a")).toBe("true");
  expect(attribute(list, "c")).toBeUndefined();
});
