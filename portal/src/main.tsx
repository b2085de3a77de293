import "./kit/mantine.ts";
import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { I18nextProvider } from "react-i18next";
import { router } from "./app/router.tsx";
import { queries } from "./app/session.tsx";
import { allWords, startWords } from "./app/words.ts";
import { density } from "./kit/density.ts";
import { whenIdle } from "./kit/idle.ts";
import { theme, themes } from "./kit/mantine.ts";
import { ToastPlace } from "./kit/toast.tsx";

const words = await startWords();

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
      <I18nextProvider i18n={words}>
        <QueryClientProvider client={queries}>
          {/* No <style> elements: tokens.css has the variables (docs/develop/portal.md). */}
          <MantineProvider theme={theme} colorSchemeManager={themes} defaultColorScheme="auto" withCssVariables={false} withGlobalClasses={false}>
            <RouterProvider router={router} />
            <ToastPlace />
          </MantineProvider>
        </QueryClientProvider>
      </I18nextProvider>
    </StrictMode>,
  );
}

whenIdle(() => void allWords().catch(() => undefined)); // who wants them and does not get them says so
