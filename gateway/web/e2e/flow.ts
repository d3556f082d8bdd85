import type { Page } from "playwright-core";
import { expect } from "vitest";

/** What a person does about an incident: finds it, looks at its example trace, comes back, and approves the plan. */
export async function handleIncident(page: Page, patienceMillis: number): Promise<void> {
  await openIncident(page, patienceMillis);
  const incident = page.url();
  await openExampleTrace(page, patienceMillis);
  await page.goto(incident);
  await approvePlan(page, patienceMillis);
}

async function openIncident(page: Page, timeout: number): Promise<void> {
  await page.goto("/incidents");
  const row = page.getByRole("table", { name: "Incidents" }).getByRole("link").first();
  await row.waitFor({ timeout });
  await row.click();
  await page.getByRole("region", { name: "Causes" }).getByRole("listitem").first().waitFor({ timeout: 10_000 });
}

async function openExampleTrace(page: Page, timeout: number): Promise<void> {
  const link = page.getByRole("link", { name: /^Example trace/ }).first();
  await link.waitFor({ timeout });
  await link.click();
  await page.getByRole("tree", { name: "Spans" }).getByRole("treeitem").first().waitFor({ timeout: 10_000 });
  await page
    .getByRole("treeitem", { name: /on the critical path/ })
    .first()
    .waitFor({ timeout: 10_000 });
}

async function approvePlan(page: Page, timeout: number): Promise<void> {
  const approve = page.getByRole("button", { name: "Approve plan" }).first();
  await approve.waitFor({ timeout });
  expect(await page.getByText("Dry run:").count()).toBeGreaterThan(0);
  await approve.click();
  const dialog = page.getByRole("dialog", { name: "Approve this plan?" });
  await dialog.getByLabel("Your name, for the audit").fill("ada");
  await dialog.getByRole("button", { name: "Approve and run" }).click();
  await dialog.waitFor({ state: "hidden", timeout: 15_000 });
  await page.getByText("Decided by ada").waitFor({ timeout: 30_000 });
  const audit = page.getByRole("table", { name: "Audit" }).first();
  await audit.getByRole("cell", { name: "approved", exact: true }).waitFor({ timeout: 15_000 });
}
