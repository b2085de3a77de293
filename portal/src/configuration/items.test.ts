import { expect, test } from "vitest";
import { flat, merged } from "../../scripts/texts.ts";
import { readBanner, writeBanner } from "./banner.ts";
import { SECTIONS, UNUSED, changesOf, problemOf, type Item } from "./items.ts";

const all: Item[] = Object.values(SECTIONS).flatMap((groups) => groups.flatMap((group) => [...group.items]));
const words = flat(merged("src/locales", "en-US"));

test("every setting has its label, and a hint where it says so; each stands once", () => {
  for (const one of all) {
    expect(words, one.name).toHaveProperty([`configuration.label.${one.name}`]);
    expect(`configuration.hint.${one.name}` in words, one.name).toBe(one.hinted ?? false);
    for (const choice of one.choices ?? []) expect(words).toHaveProperty([`configuration.choice.${choice}`]);
  }
  expect(new Set(all.map((one) => one.name)).size).toBe(all.length);
  expect(all.filter((one) => UNUSED.includes(one.name))).toEqual([]);
  for (const groups of Object.values(SECTIONS)) for (const group of groups) expect(words).toHaveProperty([`configuration.group.${group.title}`]);
});

const find = (name: string) => all.find((one) => one.name === name) as Item;

test("what cannot be is said before the server is asked", () => {
  expect(problemOf(find("session_timeout"), 0)).toBe("range");
  expect(problemOf(find("session_timeout"), "")).toBe("range");
  expect(problemOf(find("session_timeout"), 15)).toBeNull();
  expect(problemOf(find("tags_per_project"), -1)).toBeNull();
  expect(problemOf(find("tags_per_project"), 1.5)).toBe("range");
  expect(problemOf(find("storage_per_project"), 0)).toBe("range");
  expect(problemOf(find("oidc_extra_redirect_parms"), '{"prompt": "login"}')).toBeNull();
  expect(problemOf(find("oidc_extra_redirect_parms"), '{"prompt": 1}')).toBe("json");
  expect(problemOf(find("oidc_extra_redirect_parms"), "prompt=login")).toBe("json");
});

test("only what differs is sent, and a secret only when it was typed", () => {
  const said = { session_timeout: { value: 60, editable: true }, auth_sources: { value: ["local"], editable: true } };
  expect(changesOf(all, said, { session_timeout: 60, auth_sources: ["local"], ldap_search_password: "" })).toEqual({});
  expect(changesOf(all, said, { session_timeout: 5, ldap_search_password: "x" })).toEqual({ session_timeout: 5, ldap_search_password: "x" });
});

test("a banner comes back as it was written, whoever wrote it", () => {
  const banner = { message: "Down on Sunday", type: "warning", closable: true, fromDate: "2026-01-31", toDate: "" } as const;
  expect(readBanner(writeBanner(banner))).toEqual(banner);
  expect(writeBanner({ ...banner, message: " " })).toBe("");
  expect(readBanner('{"message":"x","fromDate":"1/31/2026"}').fromDate).toBe("2026-01-31");
  expect(readBanner("no json").message).toBe("no json");
});
