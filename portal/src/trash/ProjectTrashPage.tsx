// What of this project can still be saved, and until when?
import { useParams } from "@tanstack/react-router";
import { TrashTable } from "./TrashTable.tsx";

export default function ProjectTrashPage() {
  const { project } = useParams({ strict: false }) as { project: string };
  return <TrashTable project={project} />;
}
