// How high the rows of lists are: as the reader prefers, on every page.
export type Density = "compact" | "comfortable";

const KEPT = "moorage-density";

export const isDensity = (value: unknown): value is Density => value === "compact" || value === "comfortable";

export function density(): Density {
  try {
    return localStorage.getItem(KEPT) === "comfortable" ? "comfortable" : "compact";
  } catch {
    return document.documentElement.dataset["density"] === "comfortable" ? "comfortable" : "compact";
  }
}

export function setDensity(wanted: Density): void {
  document.documentElement.dataset["density"] = wanted; // tokens.css
  try {
    localStorage.setItem(KEPT, wanted);
  } catch { /* it holds for this page */ }
}
