// Something is done, and can be undone for ten seconds. Errors are never toasts: they stand at the thing.
import { useEffect, useState, type ComponentType } from "react";
import { whenIdle } from "./idle.ts";

const load = () => import("./Toasts.tsx");

/** `undo`: what the button does and how it is called. */
export function toast(message: string, undo?: { label: string; run: () => void }): void {
  void load().then(({ show }) => show(message, undo));
}

/** Where they appear: nobody needs it before the page stands. */
export function ToastPlace() {
  const [Place, setPlace] = useState<ComponentType | null>(null);
  useEffect(() => whenIdle(() => void load().then(({ Toasts }) => setPlace(() => Toasts))), []);
  return Place && <Place />;
}
