import { act, fireEvent, screen, waitFor, within } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { show } from "../../tests/render.tsx";
import { useListState } from "../app/search.ts";
import { Problem } from "../api/problem.ts";
import { Empty } from "./Empty.tsx";
import { Table, type Column, type Listed } from "./Table.tsx";

interface Row { name: string; size: number }
const COLUMNS: Column<Row>[] = [
  { id: "name", head: "Name", sort: "name", cell: (one) => one.name },
  { id: "size", head: "Size", width: "figure", sort: "size", descends: true, cell: (one) => one.size },
  { id: "kind", head: "Kind", cell: () => "x" },
];
const ROWS: Row[] = [{ name: "a", size: 1 }, { name: "b", size: 2 }, { name: "c", size: 3 }];
const listed = (data: Row[] | undefined, error: unknown = null, total = data?.length): Listed<Row> => ({ data: data && { data, total }, error, isFetching: false, refetch: vi.fn() });

function Shown({ query, bulk }: { query: Listed<Row>; bulk?: (rows: Row[], clear: () => void) => React.ReactNode }) {
  const list = useListState({ sort: "name" });
  return <Table id="test" caption="Things" columns={COLUMNS} query={query} list={list} rowKey={(one) => one.name} rowName={(one) => one.name} filterLabel="Filter things" empty={<Empty>Nothing here.</Empty>} {...(bulk ? { bulk } : {})} />;
}

test("sorting is the server's: it goes into the address, and says so to everybody", async () => {
  const { router } = await show(() => <Shown query={listed(ROWS)} />, { address: "/?page=3" });
  const head = screen.getByRole("columnheader", { name: /Name/ });
  expect(head.getAttribute("aria-sort")).toBe("ascending");
  fireEvent.click(within(screen.getByRole("columnheader", { name: /Size/ })).getByRole("button"));
  await waitFor(() => expect(router.state.location.search).toEqual({ sort: "-size" }));
  expect(within(screen.getByRole("columnheader", { name: "Kind" })).queryByRole("button")).toBeNull();
});

test("a filter is typed, waits a moment, and stands in the address; Escape takes it back", async () => {
  const { router } = await show(() => <Shown query={listed(ROWS)} />);
  const field = screen.getByLabelText("Filter things");
  fireEvent.change(field, { target: { value: "ab" } });
  await waitFor(() => expect(router.state.location.search).toEqual({ q: "ab" }));
  fireEvent.keyDown(field, { key: "Escape" });
  await waitFor(() => expect(router.state.location.search).toEqual({}));
});

test("empty, filtered empty and failed are different things", async () => {
  const empty = await show(() => <Shown query={listed([])} />);
  expect(screen.getByText("Nothing here.")).toBeTruthy();
  empty.unmount();
  const filtered = await show(() => <Shown query={listed([])} />, { address: "/?q=zz" });
  expect(screen.getByText("Nothing matches “zz”.")).toBeTruthy();
  filtered.unmount();
  await show(() => <Shown query={listed(undefined, new Problem(403, "DENIED", "You may not.", "abc-123", {}))} />);
  expect(screen.getByRole("alert").textContent).toContain("You may not.");
  expect(screen.getByRole("alert").textContent).toContain("abc-123");
  expect(screen.getByRole("columnheader", { name: /Name/ })).toBeTruthy();
});

test("rows are chosen one by one, by range and all; what can be done stands below", async () => {
  const seen: string[][] = [];
  await show(() => <Shown query={listed(ROWS)} bulk={(rows) => { seen.push(rows.map((one) => one.name)); return null; }} />);
  fireEvent.click(screen.getByLabelText("Select a"));
  fireEvent.click(screen.getByLabelText("Select c"), { shiftKey: true });
  expect(screen.getByText("3 selected")).toBeTruthy();
  expect(seen.at(-1)).toEqual(["a", "b", "c"]);
  fireEvent.click(screen.getByText("Clear selection"));
  expect(screen.queryByText("3 selected")).toBeNull();
});

test("pages are counted by what the server says there is", async () => {
  const { router } = await show(() => <Shown query={listed(ROWS, null, 214)} />, { address: "/?page=2" });
  expect(screen.getByText("51–100 of 214")).toBeTruthy();
  expect(screen.getByRole("button", { name: "Page 2" }).getAttribute("aria-current")).toBe("page");
  fireEvent.click(screen.getByRole("button", { name: "Next page" }));
  await waitFor(() => expect(router.state.location.search).toEqual({ page: "3" }));
});

test("a link to a view brings its columns, and what the reader changes then is theirs", async () => {
  const heads = () => screen.getAllByRole("columnheader").map((one) => one.textContent);
  const { router } = await show(() => <Shown query={listed(ROWS)} />, { address: "/?sort=-size&cols=name,kind" });
  expect(heads()).toEqual(["Name", "Kind"]);
  const write = vi.fn(async () => undefined);
  Object.defineProperty(navigator, "clipboard", { configurable: true, value: { writeText: write } });
  fireEvent.click(screen.getByRole("button", { name: "Copy link to this view" }));
  expect(new URL((write.mock.calls[0] as unknown as [string])[0]).searchParams.get("cols")).toBe("name,kind");
  fireEvent.click(screen.getByRole("button", { name: "Columns" }));
  fireEvent.click(await screen.findByRole("menuitemcheckbox", { name: "Size" }));
  await waitFor(() => expect(router.state.location.search).toEqual({ sort: "-size" }));
  expect(heads()).toEqual(["Name", "Size", "Kind"]);
  expect(JSON.parse(localStorage.getItem("moorage-table-test") ?? "").order).toEqual(["name", "size", "kind"]);
});

test("the same table in Chinese", async () => {
  await show(() => <Shown query={listed(ROWS, null, 214)} />, { language: "zh-CN" });
  expect(screen.getByText("第 1–50 项，共 214 项")).toBeTruthy();
});

test("how many rows there are is said when others are asked for, not when the page opens", async () => {
  const heard = () => document.querySelector("[data-said]")?.textContent ?? "";
  const { router } = await show(() => <Shown query={listed(ROWS)} />);
  await new Promise((done) => { setTimeout(done, 150); });
  expect(heard()).not.toBe("Things: 1–3 of 3");
  await act(() => router.navigate({ to: "/", search: { sort: "-size" } as never }));
  await waitFor(() => expect(heard()).toBe("Things: 1–3 of 3"));
});
