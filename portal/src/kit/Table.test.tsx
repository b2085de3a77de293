import { act, fireEvent, screen, waitFor, within } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { show } from "../../tests/render.tsx";
import { useListState, type ListState } from "../app/search.ts";
import { Problem } from "../api/problem.ts";
import { Empty } from "./Empty.tsx";
import { Name, Time } from "./values.tsx";
import type { Column } from "./columns.ts";
import { Table, type Listed } from "./Table.tsx";

await import("./SelectAll.tsx"); // a test does not wait for its file

interface Row { name: string; size: number }
const COLUMNS: Column<Row>[] = [
  { id: "name", head: "Name", sort: "name", cell: (one) => one.name },
  { id: "size", head: "Size", width: "figure", sort: "size", descends: true, cell: (one) => one.size },
  { id: "kind", head: "Kind", cell: () => "x" },
];
const ROWS: Row[] = [{ name: "a", size: 1 }, { name: "b", size: 2 }, { name: "c", size: 3 }];
const listed = (data: Row[] | undefined, error: unknown = null, total = data?.length): Listed<Row> => ({ data: data && { data, total }, error, isFetching: false, refetch: vi.fn() });

function Shown({ query, bulk, pageOf }: { query: Listed<Row>; bulk?: (rows: Row[], clear: () => void) => React.ReactNode; pageOf?: (list: ListState) => Promise<{ data: Row[] }> }) {
  const list = useListState({ sort: "name" });
  return <Table id="test" caption="Things" columns={COLUMNS} query={query} list={list} rowKey={(one) => one.name} rowName={(one) => one.name} filterLabel="Filter things" empty={<Empty>Nothing here.</Empty>} {...(bulk ? { bulk } : {})} {...(pageOf ? { pageOf } : {})} />;
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

test("all that match are chosen after the page, asked page by page with the same filter; it can be stopped", async () => {
  const seen: string[][] = [];
  const asked: [string, number, number][] = [];
  const answers: (() => void)[] = [];
  const pageOf = (list: ListState) => {
    asked.push([list.q, list.page, list.size]);
    return new Promise<{ data: Row[] }>((done) => answers.push(() => done({ data: Array.from({ length: list.page === 3 ? 14 : 100 }, (_, at) => ({ name: `${list.page}-${at}`, size: at })) })));
  };
  await show(() => <Shown query={listed(ROWS, null, 214)} pageOf={pageOf} bulk={(rows) => { seen.push(rows.map((one) => one.name)); return null; }} />, { address: "/?q=a" });
  fireEvent.click(screen.getByLabelText("Select a"));
  expect(screen.queryByText("Select all 214 that match")).toBeNull();
  fireEvent.click(screen.getByLabelText("Select all on this page"));
  fireEvent.click(await screen.findByText("Select all 214 that match"));
  answers.shift()?.();
  await screen.findByText("100 of 214 read");
  fireEvent.click(screen.getByText("Stop"));
  expect(seen.at(-1)).toEqual(["a", "b", "c"]);
  answers.shift()?.(); // too late: it was stopped
  fireEvent.click(await screen.findByText("Select all 214 that match"));
  for (let page = 1; page <= 3; page += 1) {
    await waitFor(() => expect(answers.length).toBe(1));
    answers.shift()?.();
  }
  await screen.findByText("214 selected");
  expect(asked.slice(-3)).toEqual([["a", 1, 100], ["a", 2, 100], ["a", 3, 100]]);
  expect(seen.at(-1)?.length).toBe(214);
  fireEvent.click(screen.getByText("Clear selection"));
  expect(screen.queryByText("214 selected")).toBeNull();
});

test("a column of times says how long ago all of them are, or the day of all", async () => {
  const now = Date.now();
  const at = (days: number) => ({ name: `${days}`, size: days, when: new Date(now - days * 86_400_000 - 5_000).toISOString() });
  const Times = ({ rows }: { rows: ReturnType<typeof at>[] }) => {
    const list = useListState();
    const columns: Column<ReturnType<typeof at>>[] = [{ id: "name", head: "Name", cell: (one) => one.name }, { id: "when", head: "When", cell: (one) => <Time value={one.when} /> }];
    return <Table id="times" caption="Times" columns={columns} query={{ ...listed([]), data: { data: rows, total: rows.length } }} list={list} rowKey={(one) => one.name} rowName={(one) => one.name} empty={null} />;
  };
  const said = () => [...document.querySelectorAll("time")].map((one) => one.textContent);
  const near = await show(() => <Times rows={[at(0), at(6)]} />);
  expect(said()).toEqual(["now", "6 days ago"]);
  near.unmount();
  await show(() => <Times rows={[at(0), at(8)]} />);
  expect(said().every((one) => /^[A-Z][a-z]{2} \d{1,2}, \d{4}$/.test(one ?? ""))).toBe(true);
});

test("a long name is cut in its middle, and is whole in its title and for a copy", async () => {
  const name = `registry/${"a".repeat(60)}-v1.2.3-linux-amd64`;
  await show(() => <Name>{name}</Name>);
  expect(screen.getByTitle(name).textContent).toBe(name);
  expect(document.querySelector("[data-middle]")?.textContent).toBe(name.slice(40, -28));
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
