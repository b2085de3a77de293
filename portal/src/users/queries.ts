// The list of users, under ["users", …].
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { call } from "../api/client.ts";
import { contractQuery, type ListState } from "../app/search.ts";
import { queries } from "../app/session.tsx";

export const usersQuery = (list: ListState) =>
  queryOptions({
    queryKey: ["users", list.q, list.sort, list.page, list.size, list.filters],
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const q = contractQuery({ username: list.q && `~${list.q}`, sysadmin_flag: list.filters["admin"], source: list.filters["source"] });
      const { data, total } = await call("GET /users", { query: { ...(q ? { q } : {}), sort: list.sort, page: list.page, page_size: list.size }, signal });
      return { data, total };
    },
  });

export const usersChanged = () => queries.invalidateQueries({ queryKey: ["users"] });

/** What the server asks of a password. */
export const isPassword = (text: string): boolean => text.length >= 8 && text.length <= 128 && /[a-z]/.test(text) && /[A-Z]/.test(text) && /\d/.test(text);

/** Lock an account, or let its person in again. */
export const setLock = (user: { user_id: number }, locked: boolean) => call("PUT /users/{user_id}/lock", { path: { user_id: user.user_id }, body: { locked } });
