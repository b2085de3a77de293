// The page of results: each kind with how many there are, all of one kind page by page, and what stands there otherwise.
import { screen, waitFor } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { show } from "../../tests/render.tsx";
import SearchPage from "./SearchPage.tsx";

const MANY = 10_000;
const asked: URL[] = [];

/** A server with so many repositories that match. */
function serve(repositories: number, status = 200): void {
  asked.length = 0;
  vi.stubGlobal("fetch", async (address: string) => {
    const url = new URL(address, "http://registry.test");
    if (!url.pathname.endsWith("/find")) return Response.json({ registry_url: "registry.test" });
    asked.push(url);
    if (status !== 200) return Response.json({ errors: [{ code: "UNKNOWN", message: "It broke." }] }, { status });
    const size = Number(url.searchParams.get("size"));
    const from = (Number(url.searchParams.get("page")) - 1) * size;
    const rows = Array.from({ length: Math.max(0, Math.min(size, repositories - from)) }, (_, index) => ({ project_id: 1, repository: `team/api-${from + index}` }));
    return Response.json({ projects: [], repositories: rows, tags: [], artifacts: [], totals: { projects: 0, repositories, tags: 0, artifacts: 0 } });
  });
}
afterEach(() => vi.unstubAllGlobals());

test("the first of each kind, with a way to all of them, and how many there are", async () => {
  serve(MANY);
  const { router } = await show(() => <SearchPage />, { address: "/search?q=docker+pull+registry.test/api" });
  const all = await screen.findByText("All 10,000 repositories that match");
  expect(asked[0]?.searchParams.get("q")).toBe("api");
  expect(screen.getAllByRole("listitem")).toHaveLength(8);
  expect(screen.queryByText("Projects", { selector: "h2" })).toBeNull();
  all.click();
  await waitFor(() => expect(router.state.location.search).toMatchObject({ kind: "repositories" }));
});

test("all of one kind come page by page", async () => {
  serve(MANY);
  await show(() => <SearchPage />, { address: "/search?q=api&kind=repositories&page=200" });
  expect(await screen.findByText("9,951–10,000 of 10,000")).toBeTruthy();
  expect(asked.at(-1)?.searchParams.get("kind")).toBe("repositories");
});

test("nothing asked, nothing found, and what failed are different things", async () => {
  serve(0);
  const first = await show(() => <SearchPage />, { address: "/search" });
  expect(screen.getByText("Type a part of a name, repository:tag, or how a digest begins.")).toBeTruthy();
  expect(asked).toEqual([]);
  first.unmount();
  const second = await show(() => <SearchPage />, { address: "/search?q=none" });
  expect(await screen.findByText(/^Nothing .*matches “none”/)).toBeTruthy();
  second.unmount();
  const third = await show(() => <SearchPage />, { address: "/search?q=none&kind=tags" });
  expect(await screen.findByText("Clear filter")).toBeTruthy();
  third.unmount();
  serve(0, 403);
  await show(() => <SearchPage />, { address: "/search?q=none" });
  expect(await screen.findByRole("alert")).toBeTruthy();
});
