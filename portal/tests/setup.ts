// What jsdom does not have and Mantine asks for.
import { cleanup, configure } from "@testing-library/react";
import { afterEach, vi } from "vitest";

Object.defineProperty(window, "matchMedia", { value: (query: string) => ({ matches: false, media: query, addEventListener: vi.fn(), removeEventListener: vi.fn(), addListener: vi.fn(), removeListener: vi.fn() }) });
window.ResizeObserver = class { observe() {} unobserve() {} disconnect() {} } as typeof ResizeObserver;
window.scrollTo = vi.fn() as never;
window.HTMLElement.prototype.scrollIntoView = vi.fn();
Object.defineProperty(document, "fonts", { value: { addEventListener: vi.fn(), removeEventListener: vi.fn() } });
configure({ asyncUtilTimeout: 30_000 }); // how long what a part will show is waited for
afterEach(cleanup);
