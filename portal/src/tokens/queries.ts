// One's own access tokens, under ["tokens"], and refresh tokens.
import { keepPreviousData, queryOptions, useQuery } from "@tanstack/react-query";
import { call } from "../api/client.ts";
import { queries } from "../app/session.tsx";

export const tokensQuery = queryOptions({ queryKey: ["tokens"], queryFn: async ({ signal }) => (await call("GET /users/current/tokens", { signal })).data });
export const refreshTokensQuery = queryOptions({ queryKey: ["refresh-tokens"], queryFn: async ({ signal }) => (await call("GET /users/current/refresh-tokens", { signal })).data });
export const tokensChanged = () => queries.invalidateQueries({ queryKey: tokensQuery.queryKey });

/** Names of projects to choose from that hold what was typed. */
export const useProjectNames = (text: string): string[] =>
  useQuery({
    queryKey: ["projects", "names", text],
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => (await call("GET /projects", { query: { page_size: 20, sort: "name", ...(text ? { q: `name=~${text.replace(/,/g, "")}` } : {}) }, signal })).data.map((one) => one.name),
  }).data ?? [];
