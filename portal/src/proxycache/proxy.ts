// What only a proxy cache has to set, as texts of the project's metadata, and what is usual where nothing is set.

export const USUAL: Record<string, string> = {
  proxy_cache_tag_seconds: "", proxy_cache_local_on_not_found: "false", proxy_cache_evict: "true", proxy_referrer_api: "false", proxy_speed_kb: "-1", max_upstream_conn: "-1", proxy_cache_filter_pattern: "", proxy_cache_filter_kind: "doublestar",
};

const MOST_SECONDS = 30 * 86_400;
/** A limit as people type it: empty is none, which the API calls -1. */
export const shownLimit = (value: string): string => (value === "-1" ? "" : value);

/** What is wrong with a value; null: nothing. */
export function proxyProblem(name: string, value: string): "seconds" | "limit" | null {
  if (name === "proxy_cache_tag_seconds") return value === "" || (/^\d{1,7}$/.test(value) && Number(value) <= MOST_SECONDS) ? null : "seconds";
  if (name === "proxy_speed_kb" || name === "max_upstream_conn") return value === "-1" || /^\d{1,10}$/.test(value) ? null : "limit";
  return null;
}
