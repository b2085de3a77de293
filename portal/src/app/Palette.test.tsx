// The palette: what it asks for, what Enter and the arrows do, and what a page has told it of itself.
import { fireEvent, screen, waitFor } from "@testing-library/react";
import { useEffect, useState } from "react";
import { beforeEach, expect, test, vi } from "vitest";
import { show } from "../../tests/render.tsx";
import { useOffers } from "./keys.ts";
import Palette from "./Palette.tsx";

const DIGEST = "sha256:" + "ab12".repeat(16);
const NOTHING = { projects: [], repositories: [], tags: [], artifacts: [], totals: null };
const asked: string[] = [];
const closed = vi.fn();
const deleted = vi.fn();

beforeEach(() => {
  asked.length = 0;
  closed.mockReset();
  deleted.mockReset();
  sessionStorage.clear();
  Element.prototype.scrollIntoView = () => undefined;
  vi.stubGlobal("fetch", async (address: string) => {
    const url = new URL(address, "http://registry.test");
    const path = url.pathname.replace("/api/v2.0", "");
    asked.push(path + url.search);
    if (path === "/find") return Response.json(url.searchParams.get("q") === `api@${DIGEST}` ? { ...NOTHING, artifacts: [{ project_id: 1, repository: "team/api", digest: DIGEST, type: "IMAGE", tag: null, push_time: "" }] } : { ...NOTHING, repositories: [{ project_id: 1, repository: "team/api" }] });
    if (path === "/users/current") return Response.json({ username: "alice", user_id: 3, sysadmin_flag: true });
    if (path === "/users/search") return Response.json([{ user_id: 4, username: "bob" }]);
    if (path === "/labels") return Response.json(url.searchParams.get("scope") === "p" ? [{ id: 7, name: "stable", scope: "p" }] : []);
    if (path === "/projects/team") return Response.json({ project_id: 1, name: "team", metadata: {} });
    if (path === "/capabilities") return Response.json({ capabilities: {} });
    return Response.json(path === "/systeminfo" ? { registry_url: "registry.test", moorage_version: "1" } : []);
  });
});

function Shown() {
  useOffers([{ label: "Delete tag…", note: "2.1.0", press: deleted }]);
  const [isOpen, setOpen] = useState(false);
  useEffect(() => setOpen(true), []); // the page is there before it
  return isOpen ? <Palette onClose={closed} onKeys={() => undefined} /> : null;
}

const type = (text: string) => fireEvent.change(screen.getByRole("combobox"), { target: { value: text } });
const press = (key: string) => fireEvent.keyDown(screen.getByRole("combobox"), { key });
const options = () => screen.getAllByRole("option").map((one) => one.textContent);

test("Enter before the answer waits for it: a pasted reference lands on the artifact", async () => {
  const { router } = await show(() => <Shown />);
  type(`docker pull registry.test/api@${DIGEST}`);
  press("Enter");
  await waitFor(() => expect(router.state.location.pathname).toBe(`/projects/team/repositories/api/artifacts/${DIGEST}`));
  expect(asked.filter((one) => one.startsWith("/find"))).toHaveLength(1);
});

test("the right arrow shows what can be done with a row, the left one goes back", async () => {
  await show(() => <Shown />);
  type("api");
  await screen.findByText("team/", { exact: false });
  press("ArrowRight");
  expect(options()).toEqual(expect.arrayContaining([expect.stringContaining("Copy reference of registry.test/team/api")]));
  expect(screen.getByRole("status", { hidden: true }).textContent).toBe("4 results");
  press("Escape");
  expect(closed).not.toHaveBeenCalled();
  await waitFor(() => expect(options().at(-1)).toContain("Show all results for “api”"));
});

test("what the page in view has in a menu is an action, with what it is done to", async () => {
  await show(() => <Shown />);
  type(">delete tag");
  await waitFor(() => expect(options()).toEqual(["Delete tag… 2.1.0Action"]));
  press("Enter");
  await waitFor(() => expect(deleted).toHaveBeenCalledOnce());
  expect(asked.filter((one) => one.startsWith("/find"))).toEqual([]);
});

test("people and labels have a sign of their own, and lead to where they are", async () => {
  const { router } = await show(() => <Shown />, { address: "/projects/team/repositories/backend~api" });
  type("@bo");
  await waitFor(() => expect(options()).toEqual(["bobUser"]));
  type("#sta");
  await waitFor(() => expect(options()).toEqual(["stableLabel"]));
  press("Enter");
  await waitFor(() => expect(router.state.location.href).toBe("/projects/team/repositories/backend~api?f.label=7"));
});
