// What a search finds, as links: for the palette and for the page of results.
import { IconBox, IconFolders, IconLayoutGrid, IconTag, type Icon } from "@tabler/icons-react";
import type { Found } from "../api/schema.ts";
import { places, split } from "../app/paths.ts";
import { shortDigest } from "../kit/format.ts";

/** The kinds, in the order of the palette. */
export const KINDS = ["projects", "repositories", "tags", "artifacts"] as const;
export type KindOf = (typeof KINDS)[number];

export interface Hit {
  kind: KindOf;
  icon: Icon;
  label: string;
  note?: string;
  to: string;
  /** When it was pushed. */
  time?: string;
  /** With the host, as one pulls it. */
  reference?: string;
  digest?: string;
}

/** What somebody types or pastes, as the server finds it: `docker pull HOST/team/api:v1` is `team/api:v1`. */
export const sought = (text: string, host: string): string => text.trim().replace(/^\w+ (?:\w+ )?pull /, "").replace(`${host}/`, "").replace(/^[>@#]/, "").trim();

/** All that was found, in the order of the palette. */
export function hits(data: Found, host: string): Hit[] {
  const of = (path: string, after = "") => `${host}/${path}${after}`;
  return [
    ...data.projects.map((one): Hit => ({ kind: "projects", icon: IconLayoutGrid, label: one.name, to: places.repositories(one.name) })),
    ...data.repositories.map((one): Hit => ({ kind: "repositories", icon: IconFolders, label: one.repository, to: places.repository(...split(one.repository)), reference: of(one.repository) })),
    ...data.tags.map((one): Hit => ({ kind: "tags", icon: IconTag, label: `${one.repository}:${one.tag}`, to: places.tag(...split(one.repository), one.tag), time: one.push_time, digest: one.digest, reference: of(one.repository, `:${one.tag}`) })),
    ...data.artifacts.map((one): Hit => ({ kind: "artifacts", icon: IconBox, label: one.repository, note: one.tag ?? shortDigest(one.digest), to: places.artifact(...split(one.repository), one.digest), time: one.push_time, digest: one.digest, reference: of(one.repository, `@${one.digest}`) })),
  ];
}

/** Where all that matches is shown. */
export const searchOf = (text: string): string => `/search?${new URLSearchParams({ q: text }).toString()}`;
