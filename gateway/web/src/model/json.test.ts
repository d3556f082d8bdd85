import { expect, test } from "vitest";
import { indentJson } from "./json";

test.each([
  '{"traceId":"0a","kind":2,"attributes":[{"key":"a","value":{"doubleValue":-1.5}}],"links":[],"status":{},"x":null}',
  '"a, b: {c}"',
  '{"name":"say \\"[hi]\\", \\\\"}',
  '[[1,2],[],{"a":true}]',
  "{ }",
])("%s is laid out as JSON.stringify does it", (text) => {
  expect(indentJson(text)).toBe(JSON.stringify(JSON.parse(text), null, 2));
});

test("what was cut off is laid out as far as it goes", () => {
  expect(indentJson('{"name":"a","attributes":[{"key":"long te')).toBe(
    '{\n  "name": "a",\n  "attributes": [\n    {\n      "key": "long te',
  );
  expect(indentJson("")).toBe("");
  expect(indentJson("}]")).toContain("]");
});

test("numbers keep digits that a double has no room for", () => {
  expect(indentJson('{"n":1760000000000000001}')).toContain("1760000000000000001");
});
