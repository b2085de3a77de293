// Renders a part of the page as the page does: with its theme, its words, an address and a server that a test plays.
import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider, createMemoryHistory, createRootRoute, createRouter } from "@tanstack/react-router";
import { render } from "@testing-library/react";
import i18next from "i18next";
import type { ReactElement } from "react";
import { I18nextProvider, initReactI18next } from "react-i18next";
import { merged } from "../scripts/words.ts";
import { parseSearch, stringifySearch } from "../src/app/search.ts";
import { COUNTS } from "../src/app/words.ts";
import { theme } from "../src/kit/mantine.ts";

const words = i18next.createInstance();
await words.use(initReactI18next).use(COUNTS).init({
  lng: "en-US",
  resources: { "en-US": { translation: merged("src/locales", "en-US") }, "zh-CN": { translation: merged("src/locales", "zh-CN") } },
  interpolation: { escapeValue: false, alwaysFormat: true },
  react: { useSuspense: false },
});

export async function show(element: () => ReactElement, { address = "/", language = "en-US" } = {}) {
  await words.changeLanguage(language);
  const router = createRouter({ routeTree: createRootRoute({ component: element, notFoundComponent: element }), history: createMemoryHistory({ initialEntries: [address] }), parseSearch, stringifySearch });
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const shown = render(
    <I18nextProvider i18n={words}>
      <QueryClientProvider client={client}>
        <MantineProvider theme={theme} env="test" withCssVariables={false} withGlobalClasses={false}><RouterProvider router={router as never} /></MantineProvider>
      </QueryClientProvider>
    </I18nextProvider>,
  );
  await router.load();
  return { ...shown, router };
}
