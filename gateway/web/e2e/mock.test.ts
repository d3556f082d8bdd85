import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { senders } from "./arrivals";
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
  "/arrival",
  ...["flow", "destinations", "tenants", "faults"].map((view) => `/arrival?view=${view}`),
  "/arrival/sender?signal=traces&tenant=default&service=cart&sdk=go+opentelemetry+1.47.0&address=10.0.0.7&credential=c355dce9",
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

test("no view is wider than a narrow screen", async () => {
  mock.answers = shop();
  const { page } = await openPage(browser, mock.url);
  await page.setViewportSize({ width: 400, height: 800 });
  for (const path of paths.filter((p) => p.startsWith("/arrival"))) {
    await page.goto(path);
    await page.waitForFunction(() => !document.querySelector(".loading"));
    const widths = await page.evaluate(() =>
      [document.documentElement, document.querySelector("main")!].map((e) => e.scrollWidth - e.clientWidth),
    );
    expect(widths, path).toEqual([0, 0]);
  }
});

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

test("what is refused of a sender is shown with its path, and what is not known as unknown", async () => {
  mock.answers = shop();
  const { page, faults } = await openPage(browser, mock.url);
  await page.goto("/arrival");
  const senders = page.getByRole("table", { name: "Senders" });
  await senders.getByRole("row", { name: /cart.*18 trace_id, 2 span_id/ }).waitFor();
  expect(
    await senders
      .getByRole("row", { name: /mailer/ })
      .getByText("unknown")
      .count(),
  ).toBe(5);
  await senders.getByRole("link", { name: /cart/ }).click();
  const sample = page.getByRole("region", { name: "Latest refused item" });
  await sample.getByText("resource_spans[0].scope_spans[0].spans[3].span_id").waitFor();
  expect(await sample.locator("pre").textContent()).toContain('\n  "name": "GET /cart",\n');
  await page.keyboard.press("Escape");
  await senders.waitFor();
  expect(faults).toEqual([]);
});

test("senders are filtered, and a list that was grown stays so when it is read again", async () => {
  mock.answers = { ...shop(), ...senders(130) };
  const { page } = await openPage(browser, mock.url);
  await page.goto("/arrival");
  const rows = page.getByRole("table", { name: "Senders" }).locator("tbody tr");
  const shown = (n: number) => rows.nth(n - 1).waitFor();
  await shown(100);
  await page.getByRole("button", { name: "Show more" }).click();
  await shown(130);
  mock.answers = { ...shop(), ...senders(140) };
  await shown(140); // read again by itself
  await page.getByLabel("Signal").selectOption("logs");
  await page.getByRole("row", { name: /mailer/ }).waitFor();
  await rows.nth(1).waitFor({ state: "detached" });
  await page.getByLabel("Tenant").selectOption("default");
  await page.getByText("No sender matches").waitFor();
});

test("the ways of a box of the data flow stand out while it has the focus", async () => {
  mock.answers = shop();
  const { page } = await openPage(browser, mock.url);
  await page.goto("/arrival?view=flow");
  await page.getByRole("link", { name: /^mailer, producer/ }).focus();
  const lit = page.locator(".flow .flow-box.is-lit");
  expect(await lit.count()).toBe(3);
  await page.getByRole("link", { name: /^cart, producer/ }).press("Enter");
  await page.getByRole("button", { name: /service cart/ }).waitFor();
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
