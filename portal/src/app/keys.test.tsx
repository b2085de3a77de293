// The map of keys, pressed one after the other on a page with a list.
import { Button, Menu } from "@mantine/core";
import { cleanup, fireEvent, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { show } from "../../tests/render.tsx";
import { Page } from "../kit/Page.tsx";
import { Copy } from "../kit/values.tsx";
import { Table } from "../kit/Table.tsx";
import { Tabs } from "../kit/Tabs.tsx";
import { KEYS, useKeys, useOffers } from "./keys.ts";
import { setLetters } from "./letterKeys.ts";
import { useListState } from "./search.ts";

const did: string[] = [];
const ROWS = ["a", "b", "c"];
const written: string[] = [];

beforeEach(() => {
  did.length = 0;
  written.length = 0;
  Element.prototype.checkVisibility = function visible() { return !(this as HTMLElement).hidden; };
  Element.prototype.scrollIntoView = () => undefined;
  HTMLFormElement.prototype.requestSubmit = function submit() { did.push("sent"); };
  vi.stubGlobal("ResizeObserver", class { observe() { /* nothing */ } disconnect() { /* nothing */ } unobserve() { /* nothing */ } });
  Object.defineProperty(navigator, "clipboard", { configurable: true, value: { writeText: async (text: string) => { written.push(text); } } });
});
afterEach(() => { setLetters(true); cleanup(); });

function Shown() {
  const list = useListState({ size: 25 });
  useKeys({ onFind: () => did.push("find"), onMap: () => did.push("map") });
  useOffers([{ label: "Delete…", press: () => did.push("all gone"), removes: true }]);
  const head = (
    <>
      <Button aria-expanded onClick={() => did.push("not new")}>Pull</Button>
      <Button onClick={() => did.push("new")}>New</Button>
      <Menu transitionProps={{ duration: 0 }}><Menu.Target><Button onClick={() => did.push("menu")}>More</Button></Menu.Target></Menu>
    </>
  );
  return (
    <main>
      <Page title="Things" actions={head} under={<Tabs label="Parts" tabs={[{ to: "/", label: "One" }, { to: "/two", label: "Two" }]} />}>
        <nav><a href="/activity">Activity</a></nav>
        <div data-command><Copy text="docker pull it" label="Copy command" /></div>
        <form><input aria-label="Field" /></form>
        <button type="button" data-undo onClick={() => did.push("undone")}>Undo</button>
        <Table
          id="keys" caption="Things" filterLabel="Filter" keys={["remove", "compare"]} columns={[{ id: "name", head: "Name", cell: (one: string) => <a href={`/${one}`} onClick={(event) => { event.preventDefault(); did.push(`open ${one}`); }}>{one}</a> }]}
          query={{ data: { data: ROWS, total: 60 }, error: null, isFetching: false, refetch: () => undefined }} list={list} rowKey={(one) => one} rowDigest={(one) => `sha256:${one}`} rowName={(one) => one} empty={null}
          menu={(one) => <Menu.Item>{`Menu of ${one}`}</Menu.Item>}
          bulk={(rows) => <><button type="button" data-removes onClick={() => did.push(`gone ${rows.join(" ")}`)}>Delete</button>{rows.length === 2 && <button type="button" data-compares onClick={() => did.push(`compare ${rows.join(" ")}`)}>Compare</button>}</>}
        />
      </Page>
    </main>
  );
}

const press = (key: string, more: object = {}) => fireEvent.keyDown(document.activeElement ?? document.body, { key, ...more });
const isOn = (name: string) => screen.getByLabelText<HTMLInputElement>(`Select ${name}`).checked;

test("every key of the map does what the map says", async () => {
  const { router } = await show(() => <Shown />);
  for (const key of ["/", "?", "n", "#"]) press(key);
  press("k", { ctrlKey: true });
  press("z", { code: "KeyZ", altKey: true });
  press(".");
  expect(did).toEqual(["find", "map", "new", "all gone", "find", "undone", "menu"]);
  press("c");
  await waitFor(() => expect(written).toEqual(["docker pull it"]));

  press("j");
  expect(document.activeElement?.textContent).toBe("a");
  press("ArrowDown");
  press("k");
  expect(document.activeElement?.textContent).toBe("a");
  press("o");
  press("y");
  await waitFor(() => expect(written.at(-1)).toBe("sha256:a"));
  press("x");
  expect(isOn("a")).toBe(true);
  press("x");
  press("ArrowDown", { shiftKey: true });
  await waitFor(() => expect([isOn("a"), isOn("b"), isOn("c")]).toEqual([true, true, false]));
  press("d");
  press("#");
  expect(did.slice(7)).toEqual(["open a", "compare a b", "gone a b"]);
  press("Escape");
  await waitFor(() => expect([isOn("a"), isOn("b")]).toEqual([false, false]));
  press("Delete");
  await waitFor(() => expect(did.at(-1)).toBe("gone b"));

  screen.getByLabelText("Field").focus();
  press("x"); // typed
  press("Enter", { ctrlKey: true });
  expect(did.at(-1)).toBe("sent");
  screen.getByText("Things", { selector: "h1" }).focus();
  press("Escape"); // the pages stand where the choice stood
  await waitFor(() => expect(isOn("b")).toBe(false));
  press("]");
  await waitFor(() => expect(router.state.location.search).toEqual({ page: "2" }));
  press("[");
  await waitFor(() => expect(router.state.location.search).toEqual({}));
  press("f");
  expect(document.activeElement?.getAttribute("type")).toBe("search");
  screen.getByText("Things", { selector: "h1" }).focus();
  press("F6");
  expect(document.activeElement?.textContent).toBe("Undo"); // the next part that this page has
  press("g");
  press("t"); // whoever has no trash is not led there
  expect(router.state.location.pathname).toBe("/");
  press("g");
  press("a");
  await waitFor(() => expect(router.state.location.pathname).toBe("/activity"));
  press("2");
  await waitFor(() => expect(router.state.location.pathname).toBe("/two"));
});

test("letters can be turned off; what is no letter goes on", async () => {
  await show(() => <Shown />);
  setLetters(false);
  press("n");
  press("#");
  press("?");
  expect(did).toEqual([]);
  press("z", { code: "KeyZ", altKey: true });
  press("k", { ctrlKey: true });
  expect(did).toEqual(["undone", "find"]);
  expect(KEYS.filter((one) => one.letter && one.there()).map((one) => one.keys[0])).toContain("x");
});
