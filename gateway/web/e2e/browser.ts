import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { type Browser, chromium, type Page } from "playwright-core";

/** Starts Debian's chromium, or the one that CHROMIUM names. */
export function startBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-dev-shm-usage"], // tests run as root in containers
  });
}

/** A page together with what went wrong on it. */
export interface Watched {
  page: Page;
  /** Errors of scripts, refusals by the policy, and requests to other origins. */
  faults: string[];
}

/** Opens an empty page that notes its faults. */
export async function openPage(browser: Browser, url: string, theme: "light" | "dark" = "light"): Promise<Watched> {
  const context = await browser.newContext({
    viewport: { width: 1400, height: 900 },
    colorScheme: theme,
    baseURL: url,
  });
  const page = await context.newPage();
  const faults: string[] = [];
  page.on("pageerror", (e) => faults.push(String(e)));
  page.on("console", (m) => {
    if (m.type() === "error" && !m.text().startsWith("Failed to load resource")) faults.push(m.text());
  });
  page.on("request", (r) => {
    if (!r.url().startsWith(url) && !r.url().startsWith("data:")) faults.push(`request to ${r.url()}`);
  });
  return { page, faults };
}

/** Checks the page as it stands against WCAG 2 A and AA and axe's best practices. */
export async function expectAccessible(page: Page): Promise<void> {
  const source = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  await page.evaluate(source); // evaluation by the debugger is not subject to the page's policy
  const violations = await page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run(): Promise<AxeResults> } };
    const found = await axe.run();
    return found.violations.map(
      (v) =>
        `${v.id}: ${v.help}: ${v.nodes
          .map((n) => n.html.slice(0, 160))
          .slice(0, 3)
          .join(" | ")}`,
    );
  });
  if (violations.length > 0) throw new Error(violations.join("\n"));
}

interface AxeResults {
  violations: { id: string; help: string; nodes: { html: string }[] }[];
}
