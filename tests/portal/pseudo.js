// A language that nobody speaks: every word of the page in brackets, with accents, and 35 % longer. What is in no brackets is no word of the locales.
((areas) => {
  const LETTERS = { a: "á", b: "ƀ", c: "ç", d: "ď", e: "é", f: "ƒ", g: "ğ", h: "ĥ", i: "í", j: "ĵ", k: "ķ", l: "ĺ", m: "ḿ", n: "ñ", o: "ó", p: "þ", q: "ɋ", r: "ř", s: "š", t: "ţ", u: "ú", v: "ṽ", w: "ŵ", x: "ẋ", y: "ý", z: "ž" };
  const accented = (text) => text.replace(/[A-Za-z]/g, (one) => (one === one.toLowerCase() ? LETTERS[one] : LETTERS[one.toLowerCase()].toUpperCase()));
  const longer = (text) => ` ${"···· ".repeat(Math.ceil((text.length * 0.35) / 5))}`.trimEnd();
  const said = (text) => (/^\[.*\]$/s.test(text) ? text : `[${text.split(/(\{\{\w+\}\})/).map((part, index) => (index % 2 ? part : accented(part))).join("")}${longer(text)}]`); // a copy of the words is read once more
  const all = (words) => Object.fromEntries(Object.entries(words).map(([key, one]) => [key, typeof one === "string" ? said(one) : all(one)]));
  const parse = JSON.parse; // what a language's file is read by
  JSON.parse = (text, ...more) => {
    const value = parse(text, ...more);
    const keys = value !== null && typeof value === "object" && !Array.isArray(value) ? Object.keys(value) : [];
    return keys.length > 0 && keys.every((one) => areas.includes(one) && typeof value[one] === "object") ? all(value) : value;
  };
})(AREAS)
