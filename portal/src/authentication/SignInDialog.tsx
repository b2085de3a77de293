// Opens over the page when its session is over; what was typed below it stays, and what was asked is asked again.
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useUser, capabilitiesQuery } from "../app/session.tsx";
import { decline, useLost } from "../app/sessionWatch.ts";
import { useTranslate } from "../i18n/hooks.ts";
import { Dialog } from "../kit/Dialog.tsx";
import { Provider } from "./Provider.tsx";
import { SignInForm } from "./SignInForm.tsx";

/** The page for whoever comes back from a provider in a window of its own. */
export const RETURNED = "/signed-in";

export default function SignInDialog() {
  const t = useTranslate();
  const user = useUser();
  const { lost } = useLost();
  const sources = useQuery(capabilitiesQuery).data?.sign_in ?? ["local"];
  const typed = user?.source !== "oidc" && (sources.includes("local") || sources.includes("ldap"));
  const leave = () => location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
  const said = { over: t("identity.lost.over"), out: t("identity.lost.out", { name: user?.username ?? "" }), other: t("identity.lost.other", { name: user?.username ?? "", other: lost?.name ?? "" }) };
  return (
    <Dialog title={t("identity.signIn.title")} opened={lost !== null} onClose={lost?.why === "over" ? decline : leave} size={400} above stays>
      {lost !== null && (
        <div className="stack">
          <p>{said[lost.why]}</p>
          {sources.includes("oidc") && user?.source !== "local" && user?.source !== "ldap" && <Provider next={RETURNED} apart />}
          {typed && <SignInForm name={user?.username ?? ""} onDone={() => undefined} />}
          {lost.why === "other" && <Button variant="default" onClick={() => location.reload()}>{t("identity.lost.asOther", { other: lost.name })}</Button>}
          {lost.why === "out" && <Button variant="default" onClick={leave}>{t("identity.lost.leave")}</Button>}
        </div>
      )}
    </Dialog>
  );
}
