import "./kit/mantine.ts";
import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { router } from "./app/router.tsx";
import { queries } from "./app/session.tsx";
import { loadTexts, startTranslator } from "./i18n/loading.ts";
import { density } from "./kit/density.ts";
import { whenIdle } from "./kit/idle.ts";
import { theme, themes } from "./kit/mantine.ts";
import { ToastPlace } from "./kit/toast.tsx";

await startTranslator();

// A chunk of the version before is gone after an upgrade: the page is loaded anew, once.
window.addEventListener("vite:preloadError", (event) => {
  event.preventDefault();
  window.dispatchEvent(new Event("moorage:new-version"));
});

// Whether a scrollbar takes room: a dialog that hides it leaves that room, so that nothing moves (kit/base.css).
const root = document.documentElement;
new ResizeObserver(() => {
  if (document.querySelector("[data-dialog-open]") === null) root.toggleAttribute("data-scrolls", window.innerWidth > root.clientWidth);
}).observe(document.body);

root.dataset["density"] = density();

const place = document.getElementById("root");
if (place !== null) {
  createRoot(place).render(
    <StrictMode>
              <QueryClientProvider client={queries}>
          {/* No <style> elements: tokens.css has the variables (docs/develop/portal.md). */}
          <MantineProvider theme={theme} colorSchemeManager={themes} defaultColorScheme="auto" withCssVariables={false} withGlobalClasses={false}>
            <RouterProvider router={router} />
            <ToastPlace />
          </MantineProvider>
        </QueryClientProvider>
    </StrictMode>,
  );
}

whenIdle(() => void loadTexts("common").catch(() => undefined)); // a page that needs them and does not get them says so
