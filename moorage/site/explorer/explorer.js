// The page: reads the document, lists its operations by subject, filters them by words, subject and state.
import { el, path, prose } from "./dom.js";
import { opened } from "./operation.js";
import { basicName, sessionName, useBasic } from "./request.js";
import { useComponents } from "./schema.js";

const METHODS = ["get", "head", "post", "put", "patch", "delete"];
const byId = (id) => document.getElementById(id);
const state = { words: [], tag: "", shown: "all" };
let rows = [];

/** The operations of a document, with the text that words are looked for in. */
function operationsOf(document_) {
  return Object.entries(document_.paths).flatMap(([where, item]) =>
    METHODS.filter((one) => item[one]).map((one) => {
      const said = item[one];
      const tag = said.tags?.[0] || "other";
      const first = (said.description || "").split(/(?<=[.:;])\s/)[0].replaceAll("`", "").replace(/[:;]$/, ".");
      return { id: said.operationId, method: one.toUpperCase(), path: where, tag, said, first,
        ours: Boolean(said["x-moorage"]), built: !said.responses["501"],
        text: [where, said.operationId, said.description, tag, one].join(" ").toLowerCase() };
    }));
}

function row(operation) {
  const { id, method } = operation;
  const name = `operation-${id}`;
  const button = el("button", { class: "row", type: "button", "aria-expanded": "false", "aria-controls": name },
    el("span", { class: `method ${method.toLowerCase()}` }, method),
    el("span", { class: "path" }, path(operation.path.replace("/api/v2.0", ""))),
    el("span", { class: "what" }, operation.first),
    el("span", { class: "chips" }, operation.ours ? el("span", { class: "chip" }, "ours") : null,
      operation.built ? null : el("span", { class: "chip off" }, "not built")));
  const made = el("article", { class: `operation ${operation.built ? "" : "unbuilt"}`, id }, button);
  const set = (open) => {
    button.setAttribute("aria-expanded", String(open));
    let inside = made.querySelector(".inside");
    if (open && !inside) {
      inside = opened(operation);
      inside.id = name;
      made.append(inside);
    }
    if (inside) inside.hidden = !open;
  };
  button.addEventListener("click", () => {
    const open = button.getAttribute("aria-expanded") !== "true";
    set(open);
    if (open) history.replaceState(null, "", `#${id}`);
  });
  return { operation, made, set };
}

function matches({ tag, ours, built, text }) {
  return (!state.tag || tag === state.tag) && state.words.every((one) => text.includes(one))
    && (state.shown === "all" || (state.shown === "ours" ? ours : built));
}

function filter() {
  const counts = new Map();
  let found = 0;
  for (const { operation, made } of rows) {
    const others = matches({ ...operation, tag: state.tag });
    if (others) counts.set(operation.tag, (counts.get(operation.tag) || 0) + 1);
    made.hidden = !matches(operation);
    found += made.hidden ? 0 : 1;
  }
  for (const group of document.querySelectorAll(".group")) {
    group.hidden = !group.querySelector(".operation:not([hidden])");
  }
  byId("count").textContent = found === rows.length ? `${found} operations` : `${found} of ${rows.length} operations`;
  byId("nothing").hidden = found > 0;
  for (const one of byId("tags").querySelectorAll("button")) {
    const count = one.dataset.tag ? counts.get(one.dataset.tag) || 0 : [...counts.values()].reduce((a, b) => a + b, 0);
    one.setAttribute("aria-current", String(one.dataset.tag === state.tag));
    one.querySelector(".number").textContent = count;
    one.parentElement.hidden = !count && one.dataset.tag !== state.tag && one.dataset.tag !== "";
  }
  byId("tag").value = state.tag;
}

function choose(tag) {
  state.tag = tag;
  filter();
  window.scrollTo(0, 0);
}

function list(operations) {
  const tags = [...new Set(operations.map((one) => one.tag))].sort((a, b) => a.localeCompare(b, "en"));
  rows = operations.map(row);
  byId("operations").replaceChildren(...tags.map((tag) => el("section", { class: "group" }, el("h2", {}, tag),
    el("div", { class: "box" }, rows.filter((one) => one.operation.tag === tag).map((one) => one.made)))),
  el("p", { id: "nothing", class: "note", hidden: true }, "Nothing has all of these words. Fewer words find more."));
  byId("operations").setAttribute("aria-busy", "false");
  const entry = (tag) => el("li", {}, el("button", { type: "button", data: { tag }, onclick: () => choose(tag) },
    el("span", {}, tag || "Everything"), el("span", { class: "number" })));
  byId("tags").replaceChildren(el("ul", {}, ["", ...tags].map(entry)));
  byId("tag").replaceChildren(...["", ...tags].map((tag) => el("option", { value: tag }, tag || "Everything")));
  filter();
}

function goToHash() {
  const found = rows.find(({ operation }) => operation.id === decodeURIComponent(location.hash.slice(1)));
  if (!found) return;
  if (found.made.hidden) {
    Object.assign(state, { words: [], tag: "", shown: "all" });
    byId("search").value = "";
    document.querySelector("[name=shown][value=all]").checked = true;
    filter();
  }
  found.set(true);
  found.made.scrollIntoView();
  found.made.querySelector(".row").focus({ preventScroll: true });
}

async function showWho() {
  const session = await sessionName().catch(() => null);
  const name = basicName();
  byId("who").textContent = name !== null ? `As ${name}` : session ? `As ${session}` : "Nobody signed in";
  byId("who").classList.toggle("is", name !== null || Boolean(session));
  byId("sign-session").textContent = session
    ? `The session of ${session} in this browser, unless a name is given here.`
    : "Nobody is signed in to this server in this browser. Give a name and a password, or ask as nobody.";
  byId("forget").disabled = name === null;
}

function wire() {
  const search = byId("search");
  search.addEventListener("input", () => {
    state.words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    filter();
  });
  byId("tag").addEventListener("change", ({ target }) => choose(target.value));
  byId("shown").addEventListener("change", ({ target }) => {
    state.shown = target.value;
    filter();
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, dialog");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      search.focus();
      search.select();
    }
  });
  byId("theme").addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    try {
      localStorage.setItem("moorage-theme", root.dataset.theme);
    } catch { /* it holds for this page, then */ }
  });
  const sign = byId("sign");
  byId("who").addEventListener("click", () => {
    byId("username").value = basicName() ?? "";
    byId("password").value = "";
    sign.showModal();
  });
  byId("sign-form").addEventListener("submit", (event) => {
    event.preventDefault();
    useBasic(byId("username").value.trim() || null, byId("password").value);
    byId("password").value = "";
    sign.close();
    showWho();
  });
  byId("forget").addEventListener("click", () => {
    useBasic(null);
    sign.close();
    showWho();
  });
  sign.addEventListener("click", (event) => { if (event.target === sign) sign.close(); });
  window.addEventListener("hashchange", goToHash);
}

async function start() {
  wire();
  showWho();
  try {
    const answer = await fetch("/api/v2.0/openapi.json", { credentials: "same-origin" });
    if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
    const document_ = await answer.json();
    useComponents(document_.components);
    byId("version").textContent = document_.info.version;
    list(operationsOf(document_));
    goToHash();
  } catch (error) {
    byId("count").textContent = "The document could not be read.";
    byId("operations").replaceChildren(...prose(`${error.message}. Load the page again, or look at the server's log.`));
  }
}

start();
