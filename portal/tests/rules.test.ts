// Rules of the page that no compiler knows (docs/develop/portal.md), each with the reason it would give.
import { readFileSync, readdirSync } from "node:fs";
import { parseAst } from "rolldown/parseAst";
import { expect, test } from "vitest";

const names = (readdirSync("src", { recursive: true }) as string[]).filter((name) => !name.startsWith("generated"));
const read = (name: string) => readFileSync(`src/${name}`, "utf8");
const code = names.filter((name) => /\.tsx?$/.test(name) && !name.includes(".test."));

test("a colour stands in tokens.css only: both themes come from there", () => {
  const literal = /#[0-9a-f]{3,8}\b|\b(?:rgb|hsl|oklch)a?\(/i;
  for (const name of names.filter((one) => one.endsWith(".css") && one !== "kit/tokens.css")) expect(read(name), name).not.toMatch(literal);
  for (const name of code) expect(read(name), name).not.toMatch(/["'`]#[0-9a-f]{3,8}["'`]/i);
});

test("nothing writes a <style> or makes markup of text: the policy forbids it", () => {
  for (const name of code) {
    expect(read(name), name).not.toMatch(/dangerouslySetInnerHTML|\.innerHTML|insertAdjacentHTML|document\.write/);
    expect(read(name), name).not.toMatch(/import \{[^}]*\b(?:AppShell|Grid|SimpleGrid|ColorSchemeScript)\b[^}]*\} from "@mantine/);
    expect(read(name), name).not.toMatch(/\b(?:hiddenFrom|visibleFrom|lightHidden|darkHidden)=|=\{\{ *base:/);
  }
});

test("what a person reads is a word of the locales, and no text in the code", () => {
  const found: string[] = [];
  for (const name of code.filter((one) => one.endsWith(".tsx"))) {
    const walk = (node: unknown): void => {
      if (Array.isArray(node)) node.forEach(walk);
      else if (node !== null && typeof node === "object") {
        const one = node as { type?: string; value?: unknown; name?: { name?: string } };
        if (one.type === "JSXText" && /\p{L}{2,}/u.test(String(one.value)) && String(one.value).trim() !== "Moorage" && String(one.value).trim() !== "Ctrl K") found.push(`${name}: ${String(one.value).trim()}`);
        if (one.type === "JSXAttribute" && ["aria-label", "placeholder", "title", "label", "description", "alt"].includes(one.name?.name ?? "")) {
          const given = one.value as { type?: string; value?: unknown } | null;
          if (given?.type === "Literal" && /\p{L}{2,}/u.test(String(given.value))) found.push(`${name}: ${String(given.value)}`);
        }
        Object.values(node).forEach(walk);
      }
    };
    walk(parseAst(read(name), { lang: "tsx" }).body);
  }
  expect(found).toEqual([]);
});

test("rows are drawn by the kit: no page makes a list table of its own", () => {
  for (const name of code.filter((one) => !one.startsWith("kit/"))) expect(read(name), name).not.toMatch(/from "@mantine\/core";?.*\bTable\b|\bTable\b[^;]*from "@mantine\/core"/);
});

test("hooks stand before the first return of a part: React counts them, and a state that is rare would crash", () => {
  type Node = { type?: string; [key: string]: unknown };
  const returns = (one: Node): boolean => one.type === "ReturnStatement" || (one.type === "IfStatement" && [one["consequent"], one["alternate"]].some((side) => (side as Node | null)?.type === "ReturnStatement" || ((side as Node | null)?.type === "BlockStatement" && ((side as { body: Node[] }).body.some(returns)))));
  const hookIn = (node: unknown): string | undefined => {
    if (Array.isArray(node)) return node.map(hookIn).find((one) => one !== undefined);
    if (node === null || typeof node !== "object") return undefined;
    const one = node as Node;
    if (/Function/.test(one.type ?? "")) return undefined;
    const name = (one["callee"] as { name?: string } | undefined)?.name ?? "";
    return one.type === "CallExpression" && /^use[A-Z]/.test(name) ? name : Object.values(one).map(hookIn).find((found) => found !== undefined);
  };
  const found: string[] = [];
  let looked = 0;
  for (const name of code.filter((one) => one.endsWith(".tsx"))) {
    for (const statement of parseAst(read(name), { lang: "tsx" }).body as unknown as Node[]) {
      const part = (statement["declaration"] ?? statement) as Node;
      if (part.type !== "FunctionDeclaration") continue;
      looked += 1;
      const { body } = part["body"] as { body: Node[] };
      const first = body.findIndex(returns);
      const late = first < 0 ? undefined : hookIn(body.slice(first + 1));
      if (late !== undefined) found.push(`${name}: ${String((part["id"] as { name?: string } | null)?.name)} calls ${late} after a return`);
    }
  }
  expect(looked).toBeGreaterThan(200);
  expect(found).toEqual([]);
});

test("what runs before the first paint is small", () => {
  expect(readFileSync("public/theme.js").length).toBeLessThan(400);
});
