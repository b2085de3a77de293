// Something is done, and can be undone for ten seconds. Errors are never toasts: they stand at the thing.
import { Button } from "@mantine/core";
import { notifications } from "@mantine/notifications";

/** `undo`: what the button does and how it is called. */
export function toast(message: string, undo?: { label: string; run: () => void }): void {
  const id = crypto.randomUUID?.() ?? String(Math.random());
  notifications.show({
    id,
    withCloseButton: false,
    autoClose: undo ? 10_000 : 6_000,
    message: (
      <span className="row" role="status">
        <span className="grow">{message}</span>
        {undo && <Button size="xs" variant="default" data-undo onClick={() => { notifications.hide(id); undo.run(); }}>{undo.label}</Button>}
      </span>
    ),
  });
}
