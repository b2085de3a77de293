import { lazy, type ComponentType, type LazyExoticComponent } from "react";
import { withTexts } from "../i18n/loading.ts";

/**
 * A part of a page that is loaded when it is wanted, with its words. One that is gone since an upgrade shows nothing: the band says
 * that a new version is ready (main.tsx), and what was typed on the page stays.
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- any properties
export function lazyPart<T extends ComponentType<any>>(load: () => Promise<{ default: T }>): LazyExoticComponent<T> {
  const nothing = { default: (() => null) as unknown as T };
  return lazy(async () => {
    try {
      return (await withTexts(load())) ?? nothing; // undefined: the event of Vite was taken
    } catch {
      return nothing;
    }
  });
}
