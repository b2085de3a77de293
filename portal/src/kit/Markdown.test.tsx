import { expect, test } from "vitest";
import { show } from "../../tests/render.tsx";
import { Markdown, safeLink } from "./Markdown.tsx";

const drawn = async (text: string) => (await show(() => <Markdown text={text} />)).container;

test("what people write is drawn", async () => {
  const seen = await drawn("# One\n\n### Two\n\nSome **bold**, *slanted* and `code` &amp; <b>markup</b>.\n\n1. a\n2. b\n\n- [x] done\n\n| x | y |\n|---|---|\n| 1 | 2 |\n\n```sh\ndocker run\n```\n\n> said");
  expect([...seen.querySelectorAll("h2, h3, h4")].map((one) => `${one.tagName} ${one.textContent}`)).toEqual(["H2 One", "H3 Two"]);
  expect(seen.querySelector("strong")?.textContent).toBe("bold");
  expect(seen.querySelector("em")?.textContent).toBe("slanted");
  expect(seen.querySelector("ol")?.children.length).toBe(2);
  expect(seen.querySelectorAll("td").length).toBe(2);
  expect(seen.querySelector("pre")?.textContent).toBe("docker run");
  expect(seen.querySelector("blockquote")?.textContent).toBe("said");
  expect(seen.textContent).toContain("code & <b>markup</b>");
  expect(seen.querySelector("b")).toBeNull();
});

test("nothing in it runs, and nothing is fetched", async () => {
  const seen = await drawn('<script>alert(1)</script>\n\n<img src=x onerror=alert(1)> [a](javascript:alert(1)) [b](data:text/html,x) [c](//elsewhere.test/x) ![d](https://elsewhere.test/x.png) <a href="javascript:1">e</a> [f](https://elsewhere.test/)\n\n[g]\n\n[g]: JaVaScRiPt:alert(1)');
  expect(seen.querySelectorAll("script, img, iframe, [onerror]").length).toBe(0);
  expect([...seen.querySelectorAll("a")].map((one) => one.getAttribute("href"))).toEqual(["https://elsewhere.test/x.png", "https://elsewhere.test/"]);
  expect(seen.textContent).toContain("<img src=x onerror=alert(1)>");
  expect(safeLink(" javascript:alert(1)")).toBeNull();
  expect(safeLink("java\nscript:alert(1)")).toBeNull();
  expect(safeLink("mailto:a@example.com")).toBe("mailto:a@example.com");
});

test("what nobody writes is shown as it is, and takes no time", async () => {
  for (const text of ["> ".repeat(20_000) + "deep", "- ".repeat(20_000) + "deep", "x".repeat(300_000)]) {
    const seen = await drawn(text);
    expect(seen.querySelector("pre")?.textContent).toBe(text);
  }
  for (const text of ["[".repeat(2_000), "*a ".repeat(2_000), "![".repeat(2_000), "<".repeat(2_000), "`a".repeat(2_000)]) expect((await drawn(text)).textContent).not.toBe("");
});
