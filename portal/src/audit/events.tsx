// What the events of the audit log are called. The names are the API's (`create_artifact`), the words the reader's.
import { useWords, type Key } from "../app/words.ts";
import { useKind } from "../jobs/kinds.ts";
import { Subject } from "../kit/show.tsx";

const OF_WORK = new Set(["execution", "schedule", "queue"]);

/** The word of an event; of one that has none, its name in the API. */
export function useEvent(): (event: string) => string {
  const t = useWords();
  return (event) => t(`audit.did.${event}` as Key, { defaultValue: event });
}

/** What something was done to: a name as people gave it, or the word of a kind of work. */
export function Acted({ entry: { resource = "", resource_type = "" } }: { entry: { resource?: string; resource_type?: string } }) {
  const kind = useKind();
  if (OF_WORK.has(resource_type)) return <span>{kind(resource)}</span>;
  return resource ? <Subject>{resource}</Subject> : <span className="muted">–</span>;
}
