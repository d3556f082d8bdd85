// Attributes of OTLP as text.

import type { AnyValue, KeyValue } from "../gen/opentelemetry/proto/common/v1/common_pb";
import { hex } from "./hex";

/** One attribute, ready to show. */
export interface Attribute {
  key: string;
  value: string;
}

/** Attributes by key. */
export function attributes(list: readonly KeyValue[]): Attribute[] {
  return list
    .map((kv) => ({ key: kv.key, value: valueText(kv.value) }))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}

/** The value of one key; undefined when it is not there. */
export function attribute(list: readonly KeyValue[], key: string): string | undefined {
  const found = list.find((kv) => kv.key === key);
  return found && valueText(found.value);
}

/** A value as text: scalars as they are, bytes as hex, lists and maps as JSON. */
export function valueText(value: AnyValue | undefined): string {
  const plain = plainValue(value);
  return typeof plain === "string" ? plain : (JSON.stringify(plain) ?? "");
}

function plainValue(value: AnyValue | undefined): unknown {
  const v = value?.value;
  switch (v?.case) {
    case "stringValue":
    case "boolValue":
      return v.value;
    case "doubleValue":
      // JSON has no such numbers; their names say more than null.
      return Number.isFinite(v.value) ? v.value : String(v.value);
    case "intValue": {
      const n = Number(v.value);
      return Number.isSafeInteger(n) ? n : String(v.value);
    }
    case "bytesValue":
      return hex(v.value);
    case "arrayValue":
      return v.value.values.map(plainValue);
    case "kvlistValue":
      return Object.fromEntries(v.value.values.map((kv) => [kv.key, plainValue(kv.value)]));
    default:
      return null;
  }
}
