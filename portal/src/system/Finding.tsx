// A finding of the doctor, as it is told: on the page of administrators, and at the first start.
import type { Finding } from "../api/schema.ts";
import { useTranslate } from "../i18n/hooks.ts";
import { useSaid } from "./findingText.ts";

/** What was found, in one sentence; the server's own where this page has none. */
export function FactText({ of }: { of: Finding }) {
  const { text, own } = useSaid()(of);
  return <bdi {...(own ? {} : { lang: "en" })}>{text}</bdi>;
}

/** What is wrong and what mends it, and below what the server says of it. */
export function Fact({ of }: { of: Finding }) {
  const t = useTranslate();
  const { mend, own } = useSaid()(of);
  return (
    <>
      {!own && <strong>{t("findings.other")}</strong>}
      <p><FactText of={of} /></p>
      {mend && <p className="muted"><bdi {...(own ? {} : { lang: "en" })}>{mend}</bdi></p>}
      {own && <details className="small"><summary>{t("problems.details")}</summary><p lang="en"><bdi>{of.code}: {of.text}. {of.mend}</bdi></p></details>}
    </>
  );
}
