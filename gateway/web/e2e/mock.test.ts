import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { expectAccessible, openPage, startBrowser } from "./browser";
import { shop, traceId } from "./fixtures";
import { handleIncident } from "./flow";
import { type Mock, Refusal, startMock } from "./server";

const paths = [
  "/",
  "/services/cart",
  "/map",
  "/traces",
  `/traces/${traceId}?span=${"03".repeat(8)}`,
  "/logs",
  "/logs?view=templates",
  "/anomalies?show=a1",
  "/incidents",
  "/incidents/i1",
  "/remediations",
  "/remediations/r1",
  "/sampling",
  "/settings",
];

let browser: Browser;
let mock: Mock;

beforeAll(async () => {
  [browser, mock] = await Promise.all([startBrowser(), startMock()]);
});

afterAll(async () => {
  mock?.close();
  await browser?.close();
});

test.each(["light", "dark"] as const)(
  "every view is accessible and keeps to the policy in the %s theme",
  async (theme) => {
    mock.answers = shop();
    const { page, faults } = await openPage(browser, mock.url, theme);
    for (const path of paths) {
      await page.goto(path);
      await page.waitForFunction(() => !document.querySelector(".loading"));
      await expectAccessible(page).catch((thrown) => faults.push(`${path}: ${(thrown as Error).message}`));
    }
    expect(faults).toEqual([]);
  },
);

test("every view stands in an empty system", async () => {
  mock.answers = {};
  const { page, faults } = await openPage(browser, mock.url);
  for (const path of paths.filter((p) => !/^\/(incidents|remediations)\/./.test(p))) {
    await page.goto(path);
    await page.getByRole("heading", { level: 1 }).waitFor();
    await page.waitForFunction(() => !document.querySelector(".loading"));
  }
  expect(faults).toEqual([]);
});

test("an error is shown, and trying again shows the answer", async () => {
  mock.answers = {
    "*": () => {
      throw new Refusal("unavailable", "no leader yet");
    },
  };
  const { page } = await openPage(browser, mock.url);
  for (const path of paths) {
    await page.goto(path);
    await page.getByRole("alert").getByText("no leader yet").first().waitFor();
  }
  await page.goto("/settings");
  await page.getByRole("alert").first().waitFor();
  mock.answers = shop();
  await page.getByRole("button", { name: "Try again" }).first().click();
  await page.getByText("Balanced").waitFor();
});

test("an incident is found, understood and acted upon", async () => {
  mock.answers = shop();
  const { page, faults } = await openPage(browser, mock.url);
  await handleIncident(page, 10_000);
  expect(faults).toEqual([]);
});

test("policies changed by somebody else are not overwritten", async () => {
  let etag = "e1";
  mock.answers = {
    ...shop(),
    "SamplingService/GetPolicySet": () => ({ policySet: { policies: [], epoch: 2n, etag } }),
    "SamplingService/UpdatePolicySet": () => {
      throw new Refusal("aborted", "the set is not that of etag e1");
    },
  };
  const { page } = await openPage(browser, mock.url);
  await page.goto("/sampling");
  await page.getByRole("button", { name: "Edit policies" }).click();
  etag = "e2";
  await page.getByRole("button", { name: "Save policies" }).click();
  await page.getByText("the policies were changed after you began").waitFor();
  expect(await page.getByRole("button", { name: "Save policies" }).isDisabled()).toBe(true);
});

test("the page is walked by keyboard alone", async () => {
  mock.answers = shop();
  const { page } = await openPage(browser, mock.url);
  await page.goto("/");
  await page.getByRole("table", { name: "Services" }).waitFor();
  await page.keyboard.press("g");
  await page.keyboard.press("i");
  await page.getByRole("table", { name: "Incidents" }).waitFor();
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.getByRole("region", { name: "Causes" }).waitFor();
  await page.getByRole("button", { name: "Approve plan" }).waitFor();
  await page.keyboard.press("a");
  await page.getByRole("dialog", { name: "Approve this plan?" }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keyboard" }).waitFor();
});

test("without a stream of changes the page asks again by itself", async () => {
  mock.answers = {};
  mock.streams = false;
  const { page } = await openPage(browser, mock.url);
  await page.goto("/incidents");
  await page.getByText("No incident so far").waitFor();
  await page.getByRole("status").getByText("Polling").waitFor();
  mock.answers = shop();
  await page.getByRole("table", { name: "Incidents" }).waitFor();
  mock.streams = true;
});
