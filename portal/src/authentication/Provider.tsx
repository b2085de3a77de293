// The way to sign in through the OpenID provider: from here, or in a window of its own while this page stays as it is.
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { systemQuery } from "../app/session.tsx";
import { useTranslate } from "../i18n/hooks.ts";

/** `next`: the path to come back to. */
export function Provider({ next, apart }: { next: string; apart?: boolean }) {
  const t = useTranslate();
  const name = useQuery(systemQuery).data?.oidc_provider_name || t("identity.signIn.provider");
  return (
    <Button component="a" variant="default" fullWidth href={`/c/oidc/login?redirect_url=${encodeURIComponent(next)}`} {...(apart ? { target: "_blank", rel: "opener" } : {})}>
      {t("identity.signIn.with", { provider: name })}
    </Button>
  );
}
