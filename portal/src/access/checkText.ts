// What a check says in the reader's language, by its code; a code of a newer server is said in the server's words.
import type { Check } from "../api/schema.ts";
import type { Key, Translate } from "../i18n/translator.ts";
import { bytes, number } from "../kit/format.ts";

const CODES = [
  "signed_out", "user_unknown", "user_disabled", "user_fine", "robot_unknown", "robot_disabled", "robot_expired", "robot_fine", "public", "private", "admin", "no_admin", "role", "no_role", "group_role", "robot_everywhere", "robot_here", "robot_by_push",
  "robot_lacks", "no_right", "push_needs_pull", "scope", "no_scope", "proxy_cache", "read_only", "not_read_only", "tag_free", "tag_to_be_kept", "tag_kept", "no_quota", "quota_left", "repositories_held", "tags_held",
] as const;
type Code = (typeof CODES)[number];
const ROLES: Record<string, Key> = { "project-admin": "projects.role.admin", maintainer: "projects.role.maintainer", developer: "projects.role.developer", guest: "projects.role.guest", "limited-guest": "projects.role.limitedGuest" };
const FIGURES = ["used", "limit"];

export function said(check: Check, t: Translate, language: string): string {
  if (!CODES.includes(check.code as Code)) return check.text;
  const values = Object.fromEntries(
    Object.entries(check.values).map(([name, value]) => {
      const role = name === "role" ? ROLES[String(value)] : undefined;
      if (role) return [name, t(role)];
      if (name === "left") return [name, bytes(Number(value), language)];
      return [name, FIGURES.includes(name) ? number(Number(value), language) : String(value)];
    }),
  );
  return t(`explain.check.${check.code as Code}`, values);
}
