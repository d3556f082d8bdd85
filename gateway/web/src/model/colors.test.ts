import { expect, test } from "vitest";
import { hueOf, hues } from "./colors";

test("as many names as there are hues get one each, in whatever order they come", () => {
  const names = Array.from({ length: hues }, (_, i) => `service-${i}`);
  const given = hueOf(names);
  expect(new Set(given.values()).size).toBe(hues);
  expect(hueOf([...names].reverse())).toEqual(given);
});
