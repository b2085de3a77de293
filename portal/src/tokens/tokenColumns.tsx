// What is said of an access token, on the page of one's own and where an administrator looks at somebody else's.
import { IconAlertTriangle } from "@tabler/icons-react";
import type { AccessToken } from "../api/schema.ts";
import { useTranslate } from "../i18n/hooks.ts";
import type { Key } from "../i18n/translator.ts";
import { Chip } from "../kit/Chip.tsx";
import { timeOf } from "../kit/format.ts";
import { Name, Time } from "../kit/values.tsx";
import type { Column } from "../kit/columns.ts";

const SOON_MS = 14 * 86_400_000;
export const SCOPES: Record<string, Key> = { pull: "account.scope.pull", push: "account.scope.push", delete: "account.scope.delete", "api:read": "account.scope.apiRead", "api:write": "account.scope.apiWrite" };

export function useTokenColumns(): Column<AccessToken>[] {
  const t = useTranslate();
  return [
    { id: "name", head: t("account.tokens.column.name"), cell: (one) => <Name>{one.name}</Name> },
    { id: "scopes", head: t("account.tokens.column.scopes"), cell: (one) => <span className="row">{one.scopes.map((scope) => <Chip key={scope}>{t(SCOPES[scope] ?? "account.scope.pull")}</Chip>)}</span> },
    { id: "projects", head: t("account.tokens.column.projects"), cell: (one) => (one.projects === null ? t("account.tokens.allProjects") : <span className="row">{one.projects.map((name) => <Name key={name}>{name}</Name>)}</span>) },
    { id: "expires", head: t("account.tokens.column.expires"), width: "fit", cell: (one) => <Expires at={one.expires_at} /> },
    { id: "used", head: t("account.tokens.column.used"), width: "fit", cell: (one) => <Time value={one.last_used} /> },
    { id: "created", head: t("account.tokens.column.created"), width: "fit", phone: 0, cell: (one) => <Time value={one.creation_time} /> },
  ];
}

function Expires({ at }: { at: string | null }) {
  const t = useTranslate();
  const time = timeOf(at);
  if (time === null) return <span className="muted">{t("account.tokens.never")}</span>;
  const left = time.getTime() - Date.now();
  if (left < 0) return <Chip tone="danger" icon={IconAlertTriangle}>{t("account.tokens.expired")}</Chip>;
  return left < SOON_MS ? <span className="row"><IconAlertTriangle size={14} stroke={1.5} role="img" aria-label={t("account.tokens.soon")} /><Time value={at} /></span> : <Time value={at} />;
}
