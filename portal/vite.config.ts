// How the page is built: into dist/, hashed, and packed for browsers that understand brotli or gzip.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";
import { forgetParts, partOf, writeKeys } from "./scripts/texts.ts";
import { PARTS, type Part } from "./src/i18n/sections.ts";

const OUT = join(import.meta.dirname, "dist"); // tools/portal.py moves it into moorage/site/files
const LOCALES = join(import.meta.dirname, "src/locales");

/**
 * The files for what pages share, so that a page is few requests and loads little that it does not show: `base`, what runs first;
 * `door`, what the page for signing in needs of the rest; `shell`, the frame with its bar and rail, and tables; `more`, dialogs and
 * fields. A page's own code, and what only some pages use (charts, Markdown, fields for numbers), stay apart.
 */
const GROUPS = [
  { name: "base", tags: ["$initial"], test: /^(?!.*(?:index\.html|src\/main\.tsx)$)/, priority: 4 },
  { name: "styles", test: /src\/(?!app\/shell|kit\/(?:kit|table)\.)[\w/]+\.module\.css/, priority: 5 }, // of all pages: small files pack badly
  { name: "door", test: /src\/app\/(?:Mark|paths)|src\/kit\/TextField|IconChevronDown\.|@mantine\/core\/esm\/components\/(PasswordInput|TextInput)\//, priority: 3 },
  { name: "shell", test: /src\/app\/(?:Shell|icons|guards)|src\/\w+\/icons|src\/kit\/(?:(Table|Progress|Chip|Facts|Waiting)\.tsx|formStorage)|src\/(projects|artifacts)\/queries|node_modules\/@tabler\/|@mantine\/core\/esm\/(?:components\/Checkbox|utils\/InlineInput)\//, priority: 2 },
  { name: "number", test: /src\/kit\/NumberField|node_modules\/react-number-format\/|@mantine\/core\/esm\/components\/NumberInput\//, priority: 1.5 },
  { name: "more", test: /node_modules\/(@tanstack\/(react-router|router-core|react-query|query-core)|@mantine\/hooks|@mantine\/core\/(?!esm\/components\/(MultiSelect|Pill|PillsInput|Autocomplete|NumberInput)\/)[^/]+)\/|src\/kit\/(?!Chart|chart|Bars|Markdown|markdown|Rules|rules|Schedule|cron|Log\.|SecretOnce|Draft|Toasts|NumberField)|src\/app\/(?!Palette|HarborPage|KeyMap)/, priority: 1 },
];

/** `virtual:texts`: what loads each part of each language (src/i18n/sections.ts); `virtual:texts/zh-CN/first`: one of them. */
function texts(): Plugin {
  const languages = readdirSync(LOCALES, { withFileTypes: true }).filter((one) => one.isDirectory()).map((one) => one.name);
  return {
    name: "texts",
    buildStart: () => writeKeys(LOCALES, join(import.meta.dirname, "src/generated/keys.ts")),
    resolveId: (id) => (id.startsWith("virtual:texts") ? `\0${id}` : null),
    load(id) {
      if (id === "\0virtual:texts") return `export default {${languages.flatMap((language) => PARTS.map((part) => `"${language}/${part}": () => import("virtual:texts/${language}/${part}")`)).join(",")}}`;
      if (!id.startsWith("\0virtual:texts/")) return null;
      const [language, part] = id.slice("\0virtual:texts/".length).split("/") as [string, Part];
      for (const one of [language, "en-US"]) for (const name of readdirSync(join(LOCALES, one))) this.addWatchFile(join(LOCALES, one, name));
      return `export default JSON.parse(${JSON.stringify(JSON.stringify(partOf(LOCALES, join(import.meta.dirname, "src"), language, part)))})`;
    },
    watchChange: forgetParts,
  };
}

const COLORS = ["blue", "red", "gray", "dark"]; // of Mantine's palettes, those that the portal and the parts that it uses name

/** Leaves out what the portal never uses of Mantine: other palettes, large sizes of its parts, and the code that would write what tokens.css has. */
function unusedMantine(): Plugin {
  return {
    name: "unused-mantine",
    enforce: "pre",
    transform(code, id) {
      const [, styles] = /@mantine\/core\/styles\/([\w-]+)\.css/.exec(id) ?? [];
      if (styles === "default-css-variables") return { code: code.replace(/--mantine-color-(\w+)-(?:\d|text|filled|light|outline)[\w-]*:[^;}]*;?/g, (text, color: string) => (COLORS.includes(color) ? text : "")), map: null };
      if (styles !== undefined) return { code: code.replace(/(--[\w-]+-(?:lg|xl|compact-\w+)):[^;}]*;?/g, (text, name: string) => (code.includes(`var(${name}`) ? text : "")), map: null };
      if (id.endsWith("/MantineCssVariables/MantineCssVariables.mjs")) return { code: "export const MantineCssVariables = () => null;", map: null }; // main.tsx: withCssVariables={false}
      return null;
    },
  };
}

/** `licences.txt`: the licence of every package that a browser loads a part of, as each of them asks for. */
function licences(): Plugin {
  return {
    name: "licences",
    apply: "build",
    generateBundle(_options, bundle) {
      const folders = new Set<string>();
      for (const one of Object.values(bundle)) {
        for (const id of one.type === "chunk" ? one.moduleIds : []) {
          const found = /^\0?(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id.replaceAll("\\", "/"));
          if (found?.[1] !== undefined && existsSync(join(found[1], "package.json"))) folders.add(found[1]);
        }
      }
      const parts = [...folders].map((folder) => {
        const said = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { name: string; version: string; license?: string };
        const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
        const text = file === undefined ? "" : `\n\n${readFileSync(join(folder, file), "utf8").trim()}`;
        return `${said.name} ${said.version} (${said.license ?? ""})${text}`;
      });
      this.emitFile({ type: "asset", fileName: "licences.txt", source: `${parts.sort().join(`\n\n${"-".repeat(78)}\n\n`)}\n` });
    },
  };
}

/** A `.br` and a `.gz` beside each file that gets smaller by it. */
function packed(): Plugin {
  return {
    name: "packed",
    apply: "build",
    writeBundle(options) {
      const folder = options.dir ?? OUT;
      for (const name of readdirSync(folder, { recursive: true }) as string[]) {
        if (!/\.(js|css|svg|html|json|txt)$/.test(name)) continue;
        const file = join(folder, name);
        const whole = readFileSync(file);
        const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: whole.length };
        for (const [ending, small] of [["br", brotliCompressSync(whole, { params })], ["gz", gzipSync(whole, { level: 9 })]] as const) {
          if (small.length < whole.length) writeFileSync(`${file}.${ending}`, small);
        }
      }
    },
  };
}

export default defineConfig({
  plugins: [react(), unusedMantine(), texts(), licences(), packed()],
  build: {
    outDir: OUT,
    emptyOutDir: true,
    target: "es2023",
    assetsInlineLimit: 0, // nothing in a data: URL, the policy forbids it
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1000,
    manifest: "manifest.json", // for the check of the budgets
    rolldownOptions: { treeshake: { moduleSideEffects: [{ test: /src\/kit\/\w*Field\.tsx/, sideEffects: false }] }, output: { codeSplitting: { groups: GROUPS } } }, // a page is a few requests more, not twenty
  },
  server: { proxy: Object.fromEntries(["/api", "/c/", "/service", "/v2"].map((path) => [path, process.env["MOORAGE_URL"] ?? "http://127.0.0.1:8080"])) },
  test: {
    css: false,
    testTimeout: 60_000, // a busy machine
    hookTimeout: 60_000,
    projects: [
      { extends: true, test: { name: "logic", environment: "node", include: ["{src,tests}/**/*.test.ts"] } }, // a document takes a second to make
      { extends: true, test: { name: "parts", environment: "jsdom", setupFiles: ["tests/setup.ts"], include: ["{src,tests}/**/*.test.tsx"] } },
    ],
  },
} as Parameters<typeof defineConfig>[0]);
