// Renders a part of the page as the page does: with its theme, its words, an address and a server that a test plays.
import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider, createMemoryHistory, createRootRoute, createRouter } from "@tanstack/react-router";
import { render } from "@testing-library/react";
import type { ReactElement } from "react";
import { merged } from "../scripts/texts.ts";
import { parseSearch, stringifySearch } from "../src/app/search.ts";
import { TranslatorContext } from "../src/i18n/hooks.ts";
import { Translator } from "../src/i18n/translator.ts";
import { theme } from "../src/kit/mantine.ts";

const translator = new Translator();
for (const one of ["en-US", "zh-CN"]) translator.add(one, merged("src/locales", one));

export async function show(element: () => ReactElement, { address = "/", language = "en-US" } = {}) {
  translator.setLanguage(language);
  const router = createRouter({ routeTree: createRootRoute({ component: element, notFoundComponent: element }), history: createMemoryHistory({ initialEntries: [address] }), parseSearch, stringifySearch });
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const shown = render(
    <TranslatorContext value={translator}>
      <QueryClientProvider client={client}>
        <MantineProvider theme={theme} env="test" withCssVariables={false} withGlobalClasses={false}><RouterProvider router={router as never} /></MantineProvider>
      </QueryClientProvider>
    </TranslatorContext>,
  );
  await router.load();
  return { ...shown, router };
}
