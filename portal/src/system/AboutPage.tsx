// What is this server, and what does it stand on?
import { useQuery } from "@tanstack/react-query";
import { systemQuery, useUser } from "../app/session.tsx";
import { useTranslate } from "../i18n/hooks.ts";
import type { Key } from "../i18n/translator.ts";
import { Facts } from "../kit/Facts.tsx";
import { Page } from "../kit/Page.tsx";
import { Copy } from "../kit/values.tsx";

const LICENCE = "Apache License 2.0";
const LICENCE_TEXT = "https://www.apache.org/licenses/LICENSE-2.0";
const STORAGES: Record<string, Key> = { filesystem: "about.storage.filesystem", s3: "about.storage.s3", inmemory: "about.storage.inmemory" };
const DATABASES: Record<string, string> = { sqlite: "SQLite", postgresql: "PostgreSQL" };

export default function AboutPage() {
  const t = useTranslate();
  const user = useUser();
  const found = useQuery(systemQuery).data;
  const contract = found?.harbor_version?.split("-")[0];
  const block = [["Moorage", found?.moorage_version], [t("about.contract"), contract], [t("about.fact.storage"), found?.registry_storage_provider_name], [t("about.fact.database"), found?.database]].filter(([, value]) => value).map((pair) => pair.join(": ")).join("\n");
  const storage = STORAGES[found?.registry_storage_provider_name ?? ""];
  return (
    <Page title={t("about.title")}>
      <div className="sections">
        <p>{t("about.what")}</p>
        <section className="panel stack" aria-label={t("about.server")}>
          <Facts
            rows={[
              [t("about.version"), found?.moorage_version ? <span key="v" className="row"><span className="figures">{found.moorage_version}</span><Copy text={block} label={t("about.copy")} /></span> : null],
              [t("about.contract"), contract ? <span key="c" translate="no">{t("about.harbor", { version: contract })}</span> : null],
              [t("about.fact.storage"), storage ? t(storage) : found?.registry_storage_provider_name],
              [t("about.fact.database"), found?.database ? (DATABASES[found.database] ?? found.database) : null],
              [t("about.fact.address"), found?.external_url ? <span key="a" translate="no">{found.external_url}</span> : null],
              [t("about.licence"), <a key="l" href={LICENCE_TEXT} rel="noopener" translate="no">{LICENCE}</a>],
            ]}
          />
          {user === null && <p className="muted small">{t("about.signIn")}</p>}
        </section>
        <div className="stack">
          <a href="/api/v2.0/explorer">{t("about.explorer")}</a>
          <a href="/api/v2.0/openapi.json">{t("about.document")}</a>
          <a href="/licences.txt">{t("about.licences")}</a>
          {found?.has_ca_root && <a href="/api/v2.0/systeminfo/getcert" download>{t("about.certificate")}</a>}
        </div>
      </div>
    </Page>
  );
}
