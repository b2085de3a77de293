// More of an artifact, as it was pushed: the readme, values and dependencies of a chart; readme, licence and files of a model.
import { useQuery } from "@tanstack/react-query";
import { Suspense } from "react";
import { call } from "../api/client.ts";
import { useTranslate } from "../i18n/hooks.ts";
import { Empty } from "../kit/Empty.tsx";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { Bytes, Copy } from "../kit/values.tsx";
import type { Path } from "../artifacts/queries.ts";
import kit from "../kit/kit.module.css";
import { lazyPart } from "../kit/lazyPart.ts";

const Markdown = lazyPart(async () => ({ default: (await import("../kit/Markdown.tsx")).Markdown }));

/** As the contract calls them; each has a word `artifacts.view.…`. */
export const ADDITIONS = ["readme.md", "values.yaml", "dependencies", "license", "files"] as const;
export type AdditionName = (typeof ADDITIONS)[number];

export function Addition({ path, digest, name, label }: { path: Path; digest: string; name: AdditionName; label: string }) {
  const t = useTranslate();
  const query = useQuery({
    queryKey: ["repository", path.project_name, path.repository_name, "addition", digest, name],
    staleTime: Infinity, // of a digest
    queryFn: async ({ signal }) => (await call("GET /projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/additions/{addition}", { path: { ...path, reference: digest, addition: name }, signal })).data ?? "",
  });
  if (query.error) return <ProblemBox error={query.error} onRetry={() => void query.refetch()} />;
  const found = query.data;
  if (found === undefined) return null;
  if (found === "" || (Array.isArray(found) && found.length === 0)) return <Empty>{t("artifacts.addition.none")}</Empty>;
  if (name === "readme.md") return <Suspense><article className="panel" aria-label={label}><Markdown text={String(found)} /></article></Suspense>;
  if (name === "dependencies" || name === "files") return <Rows label={label} rows={Array.isArray(found) ? flat(found as Row[]) : []} />;
  return (
    <div className="stack">
      <div className="row"><Copy text={String(found)} label={t("artifacts.addition.copy")} /></div>
      <pre className={kit["block"]} translate="no" tabIndex={0} role="region" aria-label={label}>{String(found)}</pre>
    </div>
  );
}

type Row = Record<string, unknown>;

/** A tree of files as their paths; rows of a list as they are. */
const flat = (rows: Row[], above = ""): Row[] =>
  rows.flatMap((row) => (row["type"] === "directory" ? flat(row["children"] as Row[], `${above}${String(row["name"])}/`) : row["type"] === "file" ? [{ name: above + String(row["name"]), size: row["size"] }] : [row]));

/** Whatever the rows say: a column for each field that one of them has. */
function Rows({ label, rows }: { label: string; rows: Row[] }) {
  const fields = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return (
    <div className={kit["scroll"]} role="region" aria-label={label} tabIndex={0}>
      <table className={kit["plainTable"]}>
        <caption className="hidden">{label}</caption>
        <thead><tr>{fields.map((one) => <th key={one} scope="col" translate="no">{one}</th>)}</tr></thead>
        <tbody>{rows.map((row, index) => <tr key={index}>{fields.map((one) => <td key={one}>{one === "size" && typeof row[one] === "number" ? <Bytes value={row[one]} /> : <bdi>{said(row[one])}</bdi>}</td>)}</tr>)}</tbody>
      </table>
    </div>
  );
}

const said = (value: unknown): string => (value === null || value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value));
