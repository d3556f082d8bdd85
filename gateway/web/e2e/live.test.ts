import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openPage, startBrowser } from "./browser";
import { handleIncident } from "./flow";

const url = process.env.TRIFLOW_URL;
let browser: Browser;

beforeAll(async () => {
  if (!url) throw new Error("TRIFLOW_URL is not set, want the address of a running Triflow with a fault in it");
  browser = await startBrowser();
});

afterAll(() => browser?.close());

test("an incident of a running Triflow is found, understood and acted upon", async () => {
  const { page, faults } = await openPage(browser, new URL(url!).origin);
  try {
    await handleIncident(page, 120_000);
  } catch (thrown) {
    const shot = join(await mkdtemp(join(tmpdir(), "triflow-")), "page.png");
    await page.screenshot({ path: shot, fullPage: true });
    throw new Error(`at ${page.url()}, picture in ${shot}`, { cause: thrown });
  }
  expect(faults).toEqual([]);
});
