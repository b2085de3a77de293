// The address bar is the state: plain `?name=value`, and a list's filter, order and page in it.
import { useNavigate, useRouterState } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";

export type Search = Record<string, string>;

export const parseSearch = (text: string): Search => Object.fromEntries(new URLSearchParams(text));

export function stringifySearch(search: Record<string, unknown>): string {
  const fields = Object.entries(search).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const text = new URLSearchParams(fields.map(([name, value]) => [name, String(value)])).toString();
  return text ? `?${text}` : "";
}

/** The fields of the address, and a way to change some; "" and undefined take one out. */
export function useSearch(): [Search, (change: Record<string, string | undefined>, how?: { replace?: boolean }) => void] {
  const search = useRouterState({ select: (state) => state.location.search }) as unknown as Search;
  const navigate = useNavigate();
  const set = useCallback(
    (change: Record<string, string | undefined>, { replace = true } = {}) => {
      void navigate({ to: ".", search: ((old: Search) => ({ ...old, ...change })) as never, replace, resetScroll: false } as never);
    },
    [navigate],
  );
  return [search, set];
}

export interface ListState {
  q: string;
  sort: string;
  page: number;
  size: number;
  filters: Record<string, string>;
  /** Change some of it; a change of anything but the page goes back to the first page. Undefined: the default. */
  set: (change: { q?: string | undefined; sort?: string | undefined; page?: number; size?: number; filters?: Record<string, string | undefined> }) => void;
  /** Whether anything narrows the list. */
  isFiltered: boolean;
  clear: () => void;
  /** The columns that a link to this view wants shown, `name,size`, and what forgets that. */
  cols?: string | undefined;
  unlink?: () => void;
}

/** A list's state in the address: `?q=`, `?f.<field>=`, `?sort=`, `?page=`, `?size=`; what is the default is left out. */
export function useListState({ sort: usual = "", size: usualSize = 50 }: { sort?: string; size?: number } = {}): ListState {
  const [search, change] = useSearch();
  return useMemo(() => {
    const filters = Object.fromEntries(Object.entries(search).filter(([name]) => name.startsWith("f.")).map(([name, value]) => [name.slice(2), value]));
    const state: ListState = {
      q: search["q"] ?? "",
      sort: search["sort"] ?? usual,
      page: Math.max(1, Number(search["page"]) || 1),
      size: [25, 50, 100].includes(Number(search["size"])) ? Number(search["size"]) : usualSize,
      filters,
      isFiltered: Boolean(search["q"]) || Object.keys(filters).length > 0,
      set: (given) => {
        const next: Record<string, string | undefined> = { page: undefined };
        if ("q" in given) next["q"] = given.q;
        if ("sort" in given) next["sort"] = given.sort === usual ? undefined : given.sort;
        if (given.size !== undefined) next["size"] = given.size === usualSize ? undefined : String(given.size);
        if (given.page !== undefined) next["page"] = given.page <= 1 ? undefined : String(given.page);
        for (const [name, value] of Object.entries(given.filters ?? {})) next[`f.${name}`] = value;
        change(next, { replace: given.page === undefined });
      },
      cols: search["cols"],
      unlink: () => change({ cols: undefined }),
      clear: () => change({ q: undefined, page: undefined, ...Object.fromEntries(Object.keys(filters).map((name) => [`f.${name}`, undefined])) }),
    };
    return state;
  }, [search, change, usual, usualSize]);
}

/** The contract's `q`: `name=~api,public=true`; values that would end a field are left out of it. */
export function contractQuery(fields: Record<string, string | undefined>): string | undefined {
  const parts = Object.entries(fields)
    .filter((one): one is [string, string] => Boolean(one[1]))
    .map(([name, value]) => `${name}=${value.replace(/,/g, "")}`);
  return parts.length ? parts.join(",") : undefined;
}

/** The state of a list that is whole and beside others on its page: nothing of it is in the address. */
export const WHOLE: ListState = { q: "", sort: "", page: 1, size: 100, filters: {}, set: () => undefined, isFiltered: false, clear: () => undefined };
