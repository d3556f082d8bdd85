import { expect, test } from "vitest";
import { attributeList, parseSearch, searchText } from "./search";

test("a search line says what it was made from", () => {
  const fields = { operation: "GET /cart", min: "200ms", max: "", attribute: "http.route=/cart user.tier=gold" };
  expect(parseSearch(searchText(fields))).toEqual({
    operation: "GET /cart",
    min: "200ms",
    attribute: "http.route=/cart user.tier=gold",
  });
});

test("a word without a key is an operation", () => {
  expect(parseSearch("checkout")).toEqual({ operation: "checkout" });
});

test("an attribute's value may hold spaces", () => {
  const { attribute } = parseSearch('db.statement="SELECT 1" user=ada');
  expect(attributeList(attribute!)).toEqual(["db.statement=SELECT 1", "user=ada"]);
});
