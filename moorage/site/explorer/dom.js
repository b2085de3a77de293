// Elements from words: text is only ever set as text, so nothing that the server says becomes markup.

/** An element with properties, `on…` listeners, `data` and attributes, and children (elements, texts, null). */
export function el(name, given = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key === "data") Object.assign(made.dataset, value);
    else if (key === "class") made.className = value;
    else if (key in made && key !== "list") made[key] = value;
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat(Infinity).filter((one) => one !== null && one !== undefined));
  return made;
}

/** Prose with `code` in it: paragraphs, and what stands between backticks in a code element. */
export function prose(text) {
  return (text || "").split(/\n\s*\n/).filter((one) => one.trim()).map((paragraph) =>
    el("p", {}, coded(paragraph.replace(/\s*\n\s*/g, " "))));
}

/** A line of such prose. */
export function coded(text) {
  return text.split("`").map((part, index) => (index % 2 ? el("code", {}, part) : part)).filter((one) => one !== "");
}

/** A path whose parameters stand out, and which may be broken at its slashes. */
export function path(text) {
  const parts = text.split(/(\{[^}]*\}|\/)/).filter(Boolean);
  return parts.map((one) => one === "/" ? [el("wbr"), "/"] : one[0] === "{" ? el("i", {}, one) : one).flat();
}

/** A button that copies a text and says so. */
export function copier(label, text) {
  const button = el("button", { class: "button small", type: "button", onclick: async () => {
    await navigator.clipboard.writeText(text());
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = label; }, 1500);
  } }, label);
  return button;
}
