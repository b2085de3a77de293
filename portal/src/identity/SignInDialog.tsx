// Opens over the page when a session has ended; what was typed below it stays, and what was asked is asked again.
import { Dialog } from "../kit/Dialog.tsx";
import { useSessionOver, useUser } from "../app/session.tsx";
import { useWords } from "../app/words.ts";
import { SignInForm } from "./SignInForm.tsx";

export function SignInDialog() {
  const t = useWords();
  const user = useUser();
  const { isOver, end } = useSessionOver();
  return (
    <Dialog title={t("identity.signIn.title")} opened={isOver} onClose={() => end(false)} size={400} above>
      <div className="stack">
        <p>{t("identity.signIn.over")}</p>
        {isOver && <SignInForm {...(user ? { name: user.username } : {})} onDone={() => end(true)} />}
      </div>
    </Dialog>
  );
}
