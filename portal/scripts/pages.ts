// All pages of all subjects as JSON, for tests that open each of them: `node scripts/pages.ts`.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { PageOf } from "../src/app/pages.ts";

const SOURCES = join(import.meta.dirname, "../src");
const subjects = readdirSync(SOURCES).filter((one) => one !== "app" && existsSync(join(SOURCES, one, "pages.ts"))).sort();
const found = [];
for (const subject of subjects) {
  const { pages } = (await import(pathToFileURL(join(SOURCES, subject, "pages.ts")).href)) as { pages: PageOf[] };
  for (const { path, frame, load } of pages) {
    const file = /import\("\.\/([^"]+)"\)/.exec(load.toString())?.[1];
    if (file === undefined) throw new Error(`src/${subject}/pages.ts: ${path} does not load a file of its own folder`);
    found.push({ path, frame: frame ?? "", module: `src/${subject}/${file}` });
  }
}
process.stdout.write(JSON.stringify(found));
