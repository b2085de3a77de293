// What was found: ["find", …].
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { call } from "../api/client.ts";
import { sought, type KindOf } from "./results.ts";

export interface Wanted {
  kind: KindOf | null;
  page: number;
  size: number;
}

/** A page of one kind, or the first of each, with how many there are. */
export const foundQuery = (text: string, host: string, { kind, page, size }: Wanted) =>
  queryOptions({
    queryKey: ["find", "page", sought(text, host), kind, page, size],
    enabled: sought(text, host) !== "",
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => (await call("GET /find", { query: { q: sought(text, host), size, page, count: true, ...(kind === null ? {} : { kind }) }, signal })).data,
  });
