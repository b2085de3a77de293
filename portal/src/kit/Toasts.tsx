// The place of the notices, and how one is shown: loaded once the page stands (toast.tsx).
import { Button } from "@mantine/core";
import { Notifications, notifications } from "@mantine/notifications";

export const Toasts = () => <Notifications position="bottom-right" limit={3} autoClose={6000} />;

export function show(message: string, undo?: { label: string; run: () => void }): void {
  const id = crypto.randomUUID?.() ?? String(Math.random());
  notifications.show({
    id,
    role: "status", // and not an alert, which interrupts
    withCloseButton: false,
    autoClose: undo ? 10_000 : 6_000,
    message: (
      <span className="row">
        <span className="grow">{message}</span>
        {undo && <Button size="xs" variant="default" data-undo onClick={() => { notifications.hide(id); undo.run(); }}>{undo.label}</Button>}
      </span>
    ),
  });
}
