import { cell } from "./cell";

/** What the person chose; "system" follows the machine. */
export type Theme = "system" | "light" | "dark";

const storageKey = "triflow.theme";

/** The theme in force. public/theme.js has put the stored one on the document before the first paint. */
export const theme = cell<Theme>((document.documentElement.dataset.theme as Theme | undefined) ?? "system");

/** Whether the page is dark now. */
export function isDark(): boolean {
  return theme.get() === "dark" || (theme.get() === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
}

/** Puts a theme on the document and keeps it. */
export function setTheme(next: Theme): void {
  if (next === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  try {
    if (next === "system") localStorage.removeItem(storageKey);
    else localStorage.setItem(storageKey, next);
  } catch {
    // Without storage the choice lasts as long as the page.
  }
  theme.set(next);
}

/** Light and dark in turn. */
export function toggleTheme(): void {
  setTheme(isDark() ? "light" : "dark");
}
