/** What can wait until the page stands: done when the browser has nothing better to do, and within two seconds. */
export function whenIdle(work: () => void): void {
  if (typeof window.requestIdleCallback === "function") window.requestIdleCallback(work, { timeout: 2000 });
  else setTimeout(work, 500); // Safari
}
