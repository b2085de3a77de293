// Webhook policies of a project and what they told: ["project", NAME, "webhooks", …].
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { call } from "../api/client.ts";
import type { WebhookDelivery } from "../api/schema.ts";
import { contractQuery, type ListState } from "../app/search.ts";
import { queries } from "../app/session.tsx";
import { isOver } from "../kit/Work.tsx";
import { IS_NAME } from "../projects/queries.ts";

const WATCHED = 2000;
const QUIET = 10_000;

export const policiesQuery = (project: string, list: ListState) =>
  queryOptions({
    queryKey: ["project", project, "webhooks", "list", list.page, list.size],
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const { data, total } = await call("GET /projects/{project_name_or_id}/webhook/policies", { path: { project_name_or_id: project }, query: { page: list.page, page_size: list.size }, header: IS_NAME, signal });
      return { data, total };
    },
  });

export const policyQuery = (project: string, id: number) =>
  queryOptions({
    queryKey: ["project", project, "webhooks", "one", id],
    queryFn: async ({ signal }) => (await call("GET /projects/{project_name_or_id}/webhook/policies/{webhook_policy_id}", { path: { project_name_or_id: project, webhook_policy_id: id }, header: IS_NAME, signal })).data,
  });

/** Policies whose last delivery failed. */
export const failingQuery = (project: string) =>
  queryOptions({
    queryKey: ["project", project, "webhooks", "failing"],
    queryFn: async ({ signal }) => (await call("GET /projects/{project_name_or_id}/webhook/failing", { path: { project_name_or_id: project }, header: IS_NAME, signal })).data,
  });

/** When a policy told of something last, by the policy's name. */
export const lastQuery = (project: string) =>
  queryOptions({
    queryKey: ["project", project, "webhooks", "last"],
    queryFn: async ({ signal }) => {
      const { data } = await call("GET /projects/{project_name_or_id}/webhook/lasttrigger", { path: { project_name_or_id: project }, header: IS_NAME, signal });
      const last = new Map<string, string>();
      for (const one of data) if (one.last_trigger_time > (last.get(one.policy_name) ?? "")) last.set(one.policy_name, one.last_trigger_time);
      return last;
    },
  });

/** Types of events, targets and formats to choose from. */
export const choicesQuery = (project: string) =>
  queryOptions({
    queryKey: ["project", project, "webhooks", "choices"],
    staleTime: Infinity,
    queryFn: async ({ signal }) => (await call("GET /projects/{project_name_or_id}/webhook/events", { path: { project_name_or_id: project }, header: IS_NAME, signal })).data,
  });

/** What a policy's targets were told; asked again while some of it is still on its way. */
export const deliveriesQuery = (project: string, id: number, list: ListState) =>
  queryOptions<{ data: WebhookDelivery[]; total: number | undefined }>({
    queryKey: ["project", project, "webhooks", "deliveries", id, list.filters, list.sort, list.page, list.size],
    placeholderData: keepPreviousData,
    refetchInterval: (query) => (query.state.data?.data.every((one) => isOver(one.status)) ? QUIET : WATCHED),
    queryFn: async ({ signal }) => {
      const q = contractQuery({ status: list.filters["status"], event_type: list.filters["event"] });
      const { data, total } = await call("GET /projects/{project_name_or_id}/webhook/policies/{webhook_policy_id}/deliveries", { path: { project_name_or_id: project, webhook_policy_id: id }, query: { ...(q ? { q } : {}), sort: list.sort, page: list.page, page_size: list.size }, header: IS_NAME, signal, quiet: true });
      return { data, total };
    },
  });

export const webhooksChanged = (project: string) => queries.invalidateQueries({ queryKey: ["project", project, "webhooks"] });
