// The live settings of the server, in the order of the pages that show them. What is not here has nothing to set (`UNUSED`).

export type Kind = "text" | "name" | "switch" | "number" | "secret" | "pem" | "choice" | "gib" | "limit" | "json" | "sources" | "banner" | "events";

export interface Item {
  name: string;
  kind: Kind;
  /** Below the field stands what it means: `configuration.hint.NAME`. */
  hinted?: boolean;
  /** Of a number. */
  min?: number;
  max?: number;
  /** Of a choice: its values, each with the word `configuration.choice.VALUE`. */
  choices?: readonly (string | number)[];
}

export interface Group {
  title: string;
  items: readonly Item[];
  /** The service that can be tried with what stands in the fields, unsaved. */
  test?: "ldap" | "oidc" | "syslog";
}

const LONGEST = 9_999_999_999;
const MOST = 2 ** 31 - 1;
const item = (name: string, kind: Kind, more: Omit<Item, "name" | "kind"> = {}): Item => ({ name, kind, ...more });
const hinted = (name: string, kind: Kind, more: Omit<Item, "name" | "kind" | "hinted"> = {}): Item => ({ name, kind, hinted: true, ...more });

export const SECTIONS = {
  general: [
    { title: "access", items: [hinted("read_only", "switch"), hinted("notification_enable", "switch")] },
    { title: "banner", items: [item("banner_message", "banner")] },
    { title: "pulls", items: [hinted("pull_time_update_disable", "switch"), hinted("pull_count_update_disable", "switch"), item("scanner_skip_update_pulltime", "switch")] },
  ],
  "sign-in": [
    { title: "sources", items: [item("auth_sources", "sources"), hinted("primary_auth_mode", "switch"), hinted("self_registration", "switch")] },
    { title: "sessions", items: [hinted("session_timeout", "number", { min: 1, max: LONGEST }), item("session_absolute_hours", "number", { min: 1, max: 8760 })] },
    { title: "machines", items: [hinted("token_expiration", "number", { min: 1, max: LONGEST }), hinted("refresh_token_enable", "switch"), hinted("robot_token_duration", "number", { min: 1, max: LONGEST }), hinted("robot_name_prefix", "name")] },
  ],
  ldap: [
    {
      title: "connection",
      test: "ldap",
      items: [
        hinted("ldap_url", "name"), item("ldap_start_tls", "switch"), item("ldap_verify_cert", "switch"), hinted("ldap_ca_certificate", "pem"), item("ldap_timeout", "number", { min: 1, max: 3600 }),
        hinted("ldap_search_dn", "name"), item("ldap_search_password", "secret"),
      ],
    },
    { title: "people", items: [hinted("ldap_base_dn", "name"), item("ldap_scope", "choice", { choices: [0, 1, 2] }), hinted("ldap_uid", "name"), hinted("ldap_filter", "name"), item("ldap_email_attribute", "name")] },
    {
      title: "groups",
      items: [
        hinted("ldap_group_base_dn", "name"), item("ldap_group_search_scope", "choice", { choices: [0, 1, 2] }), hinted("ldap_group_search_filter", "name"), hinted("ldap_group_attribute_name", "name"),
        hinted("ldap_group_membership_attribute", "name"), hinted("ldap_group_admin_dn", "name"), hinted("ldap_nested_groups", "switch"),
      ],
    },
  ],
  oidc: [
    { title: "provider", test: "oidc", items: [hinted("oidc_name", "text"), hinted("oidc_endpoint", "name"), item("oidc_verify_cert", "switch"), hinted("oidc_ca_certificate", "pem"), item("oidc_client_id", "name"), item("oidc_client_secret", "secret")] },
    { title: "people", items: [hinted("oidc_scope", "name"), hinted("oidc_user_claim", "name"), hinted("oidc_auto_onboard", "switch"), item("oidc_logout", "switch"), hinted("oidc_extra_redirect_parms", "json")] },
    { title: "groups", items: [hinted("oidc_groups_claim", "name"), hinted("oidc_admin_group", "name"), hinted("oidc_group_filter", "name")] },
  ],
  header: [
    { title: "headers", items: [hinted("header_user", "name"), item("header_email", "name"), hinted("header_groups", "name")] },
    { title: "administrators", items: [hinted("http_authproxy_admin_groups", "name"), hinted("http_authproxy_admin_usernames", "name")] },
  ],
  projects: [
    { title: "creation", items: [item("project_creation_restriction", "choice", { choices: ["everyone", "adminonly"] })] },
    {
      title: "limits",
      items: [hinted("quota_per_project_enable", "switch"), hinted("storage_per_project", "gib"), hinted("repositories_per_project", "limit", { min: 0, max: MOST }), hinted("tags_per_project", "limit", { min: 0, max: MOST })],
    },
  ],
  audit: [
    { title: "kept", items: [item("pull_audit_log_disable", "switch"), hinted("disabled_audit_log_event_types", "events")] },
    {
      title: "forward",
      test: "syslog",
      items: [hinted("audit_log_forward_endpoint", "name"), item("audit_log_forward_tls", "switch"), hinted("audit_log_forward_ca_certificate", "pem"), hinted("skip_audit_log_database", "switch")],
    },
  ],
} as const satisfies Record<string, readonly Group[]>;

export type Section = keyof typeof SECTIONS;

/** Settings that only clients of the contract know: they change nothing here. */
export const UNUSED = [
  "auth_mode", "scan_all_policy", "ldap_group_attach_parallel", "uaa_client_id", "uaa_client_secret", "uaa_endpoint", "uaa_verify_cert", "http_authproxy_endpoint", "http_authproxy_tokenreview_endpoint",
  "http_authproxy_verify_cert", "http_authproxy_skip_search", "http_authproxy_server_certificate",
];

/** What the server says of a setting. */
export interface Said {
  value: unknown;
  editable: boolean;
  variable?: string;
}

export type Values = Record<string, unknown>;

/** What is wrong with a value before anybody is asked: `range` or `json`; null: nothing. */
export function problemOf(one: Item, value: unknown): "range" | "json" | null {
  if (one.kind === "number" || one.kind === "limit") {
    if (one.kind === "limit" && value === -1) return null;
    const whole = typeof value === "number" && Number.isInteger(value);
    return whole && value >= (one.min ?? 0) && value <= (one.max ?? Infinity) ? null : "range";
  }
  if (one.kind === "gib") return typeof value === "number" && (value === -1 || value > 0) ? null : "range";
  if (one.kind === "json" && typeof value === "string" && value.trim() !== "") {
    try {
      const read: unknown = JSON.parse(value);
      return read !== null && typeof read === "object" && !Array.isArray(read) && Object.values(read).every((each) => typeof each === "string") ? null : "json";
    } catch {
      return "json";
    }
  }
  return null;
}

/** What differs from what the server has; a secret that was typed always does. */
export function changesOf(items: readonly Item[], said: Record<string, Said>, typed: Values): Values {
  const names = new Map(items.map((one) => [one.name, one.kind]));
  return Object.fromEntries(Object.entries(typed).filter(([name, value]) => (names.get(name) === "secret" ? value !== "" : names.has(name) && JSON.stringify(value) !== JSON.stringify(said[name]?.value))));
}
