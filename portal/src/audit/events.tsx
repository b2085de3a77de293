// What the events of the audit log are called. The names are the API's (`create_artifact`), the words the reader's.
import { useTranslate, useTranslator } from "../i18n/hooks.ts";
import { useKind } from "../jobs/kinds.ts";
import { Subject } from "../kit/values.tsx";

const OF_WORK = new Set(["execution", "schedule", "queue"]);

/** The word of an event. What was refused may be none of them: it is an action, and a resource of the API. */
export function useEvent(): (event: string) => string {
  const translator = useTranslator();
  useTranslate(); // again in another language
  return (event) => {
    const [action = "", ...what] = event.split("_");
    return translator.find(`audit.did.${event}`) ?? translator.find(`audit.tried.${action}`, { what: what.join("_") }) ?? event;
  };
}

/** What something was done to: a name as people gave it, or the word of a kind of work. */
export function Acted({ entry: { resource = "", resource_type = "" } }: { entry: { resource?: string; resource_type?: string } }) {
  const kind = useKind();
  if (OF_WORK.has(resource_type)) return <span>{kind(resource)}</span>;
  return resource ? <Subject>{resource}</Subject> : <span className="muted">–</span>;
}
