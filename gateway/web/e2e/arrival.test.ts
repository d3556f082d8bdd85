import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openPage, startBrowser } from "./browser";

const url = process.env.TRIFLOW_URL;
let browser: Browser;

beforeAll(async () => {
  if (!url) throw new Error("TRIFLOW_URL is not set, want the address of a running Triflow");
  browser = await startBrowser();
});

afterAll(() => browser?.close());

test("a newcomer runs the command of the empty page, and sees what he sent", async () => {
  const { page, faults } = await openPage(browser, new URL(url!).origin);
  await page.goto("/arrival");
  await page.getByText("Nothing has arrived yet").waitFor();
  const commands = page.locator(".commands pre");
  await commands.nth(1).waitFor();
  expect(await commands.nth(0).textContent()).toMatch(/^export OTEL_.* OTEL_EXPORTER_OTLP_ENDPOINT=http:\S+ /);
  const { stdout } = await promisify(execFile)("sh", ["-c", (await commands.nth(1).textContent())!]);
  expect(JSON.parse(stdout)).toEqual({});
  await page
    .getByRole("table", { name: "Senders" })
    .getByRole("row", { name: /my-service traces.* none / })
    .waitFor();
  expect(faults).toEqual([]);
});

test("what is refused among what arrives is found with its path, its reason and itself", async () => {
  const { page, faults } = await openPage(browser, new URL(url!).origin);
  await sendFaultySpan("billing", "acme");
  await page.goto("/arrival");
  const senders = page.getByRole("table", { name: "Senders" });
  // Those with an SDK say which.
  await senders
    .getByRole("row", { name: /traces, go opentelemetry/ })
    .first()
    .waitFor();
  await page.getByLabel("Tenant").selectOption("acme");
  await senders.getByRole("row", { name: /billing.* 1 span_id / }).waitFor();
  await senders.getByRole("link").click();

  const sample = page.getByRole("region", { name: "Latest refused item" });
  await sample.getByText("resource_spans[0].scope_spans[0].spans[1].span_id").waitFor();
  await sample.getByText('"name": "GET /faulty"').waitFor();
  const quality = page.getByRole("region", { name: "Quality" });
  await quality.getByText("50 %").waitFor();
  await quality.getByText("unknown", { exact: true }).first().waitFor();

  await page.goto("/arrival?view=faults&class=response");
  await page.getByRole("row", { name: /Response validation acme\/billing.*spans\[1\]\.span_id/ }).waitFor();
  await page.goto("/arrival?view=tenants");
  await page.getByRole("row", { name: /acme.*1 span_id/ }).waitFor();
  await page.goto("/arrival?view=destinations");
  await page.getByRole("row", { name: /assembly Spans/ }).waitFor();
  expect(faults).toEqual([]);
});

test("the data flow leads from whoever sends to the service that keeps it", async () => {
  const { page, faults } = await openPage(browser, new URL(url!).origin);
  await page.goto("/arrival?view=flow");
  await page.getByRole("link", { name: /^storefront, producer/ }).waitFor();
  await page.getByRole("link", { name: /^assembly, sink/ }).focus();
  const lit = page.locator(".flow-box.is-lit");
  await lit.filter({ hasText: "storefront" }).waitFor();
  await lit.filter({ hasText: "assembly" }).waitFor();
  expect(await lit.filter({ hasText: /^logs/ }).count()).toBe(0);
  await page
    .getByRole("table", { name: "Edges" })
    .getByRole("row", { name: /storefront → traces/ })
    .waitFor();
  expect(faults).toEqual([]);
});

/** Sends a good span and one whose id is too short. */
async function sendFaultySpan(service: string, tenant: string): Promise<void> {
  const settings = await (await fetch(`${url}/api/v1/config`)).json();
  const door = settings.settings.find((s: { name: string }) => s.name === "ingestion-http").value;
  const now = BigInt(Date.now()) * 1_000_000n;
  const span = (name: string, spanId: string) => ({
    name,
    spanId,
    traceId: "0af7651916cd43dd8448eb211c80319c",
    startTimeUnixNano: String(now),
    endTimeUnixNano: String(now + 1_000_000n),
  });
  const resource = { attributes: [{ key: "service.name", value: { stringValue: service } }] };
  const spans = [span("GET /good", "b7ad6b7169203331"), span("GET /faulty", "b7ad")];
  const answer = await fetch(`http://${door}/v1/traces`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Scope-OrgID": tenant },
    body: JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans }] }] }),
  });
  expect(await answer.json()).toMatchObject({ partialSuccess: { rejectedSpans: "1" } });
}
