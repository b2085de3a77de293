// One operation, opened: what it takes, what it answers, and a form that sends it.
import { coded, copier, el, prose } from "./dom.js";
import { curl, send } from "./request.js";
import { about, bounds, example, resolve, sample, tree, typeName } from "./schema.js";

const remembered = new Map();

/** All that is to be known of an operation. Values that were typed are offered again in other operations. */
export function opened(operation) {
  const { said } = operation;
  const place = (one) => (one.in === "path" ? operation.path.indexOf(`{${one.name}}`) : Infinity);
  const parameters = (said.parameters || []).map(resolve).sort((one, other) => place(one) - place(other) || 0);
  return el("div", { class: "inside" },
    el("div", { class: "about" }, prose(said.description),
      el("p", { class: "hint" }, needs(said), operation.ours ? " · an addition of Moorage" : "")),
    parameters.length ? section("Parameters", parameterTable(parameters)) : null,
    said.requestBody ? section("Body", bodyOf(said.requestBody)) : null,
    section("Answers", answers(said.responses)),
    section("Try it", form(operation, parameters)));
}

function section(title, ...content) {
  return el("section", {}, el("h3", {}, title), content);
}

function needs(said) {
  const needed = said["x-needs"] || "";
  if (needed === "public") return "For anybody";
  if (needed === "signed_in") return "For whoever is signed in";
  const [level, permission] = needed.split(" ");
  if (permission) return `Needs ${permission} in the ${level}`;
  return said["x-needs-note"] ? `Needs: ${said["x-needs-note"]}` : "Whoever may, depends on what is asked";
}

function parameterTable(parameters) {
  return el("table", {}, el("thead", {}, el("tr", {}, ["Name", "In", "Type", "What it means"].map((one) =>
    el("th", { scope: "col" }, one)))),
  el("tbody", {}, parameters.map((one) => el("tr", {},
    el("th", { scope: "row" }, el("code", {}, one.name), one.required ? el("b", { title: "required" }, " *") : null),
    el("td", {}, one.in),
    el("td", {}, typeName(one.schema), el("span", { class: "hint" }, ` ${bounds(resolve(one.schema))}`)),
    el("td", {}, coded(one.description || ""))))));
}

function bodyOf(body) {
  const [type, content] = Object.entries(body.content || {})[0] || ["", {}];
  return [el("p", { class: "hint" }, type, " · ", typeName(content.schema), body.required ? " · required" : ""),
    about(content.schema), tree(content.schema)];
}

function answers(responses) {
  return Object.entries(responses).map(([status, one], index) => {
    const content = Object.entries(one.content || {});
    const headers = Object.keys(one.headers || {});
    const [type, { schema } = {}] = content[0] || [];
    const fields = schema && tree(schema);
    const summary = [el("b", { class: `status s${status[0]}` }, status), " ", coded(one.description || ""),
      schema && typeName(schema) !== "Errors" ? el("span", { class: "type" }, ` ${typeName(schema)}`) : null];
    if (!schema && !headers.length) return el("p", { class: "answer" }, summary);
    const details = el("details", { class: "answer", open: index === 0 && Number(status) < 300, ontoggle: fill },
      el("summary", {}, summary));
    function fill() {
      if (!details.open || details.children.length > 1) return;
      details.append(...[
        headers.length ? el("p", { class: "hint" }, `Headers: ${headers.join(", ")}`) : null,
        schema ? el("p", { class: "hint" }, content.map(([name]) => name).join(", ")) : null,
        schema && typeName(schema) !== "Errors" ? about(schema) || null : null,
        schema && /json/.test(type) ? el("div", { class: "pair" }, fields || el("p", {}, typeName(schema)),
          el("pre", { tabIndex: 0 }, JSON.stringify(example(schema), null, 2))) : null,
      ].filter(Boolean));
    }
    if (details.open) fill();
    return details;
  });
}

function field(one) {
  const schema = resolve(one.schema);
  const choices = /boolean/.test(typeName(one.schema)) ? ["true", "false"] : schema.enum;
  const given = { name: one.name, required: Boolean(one.required), "data-in": one.in, autocomplete: "off" };
  const hint = schema.default === undefined || schema.default === null ? "" : String(schema.default);
  const made = choices
    ? el("select", given, el("option", { value: "" }, hint ? `(${hint})` : ""), choices.map((value) => el("option", {}, value)))
    : el("input", { ...given, type: "text", placeholder: hint, spellcheck: false });
  made.value = remembered.get(one.name) || "";
  return el("label", {}, el("span", {}, one.name, one.required ? el("b", {}, " *") : ""), made);
}

function form(operation, parameters) {
  const { method, path, said } = operation;
  const content = Object.entries(said.requestBody?.content || {})[0];
  const area = content && el("textarea", { spellcheck: false, rows: 8, "aria-label": "Body", autocomplete: "off" });
  if (area) {
    area.value = JSON.stringify(sample(content[1].schema), null, 2);
    area.rows = Math.min(16, area.value.split("\n").length + 1);
  }
  const result = el("div", { class: "result", role: "status" });
  const body = () => (area && area.value.trim() ? area.value : undefined);
  const button = el("button", { class: `button fill ${method === "DELETE" ? "danger" : ""}`, type: "submit" },
    `Send ${method}`);
  const made = el("form", { class: "try", noValidate: true, onsubmit: async (event) => {
    event.preventDefault();
    const empty = made.querySelector(":invalid:not(fieldset)");
    if (empty) {
      empty.focus();
      result.replaceChildren(el("p", { class: "wrong" }, `${empty.name} is required.`));
      return;
    }
    button.disabled = true;
    result.replaceChildren(el("p", { class: "hint" }, "Sending…"));
    try {
      result.replaceChildren(...shown(await send(method, target(made, path), body())));
    } catch (error) {
      result.replaceChildren(el("p", { class: "wrong" }, `The request could not be sent: ${error.message}`));
    } finally {
      button.disabled = false;
    }
  } },
  parameters.length ? el("div", { class: "values" }, parameters.map(field)) : null, area,
  el("div", { class: "actions" }, button, copier("Copy as curl", () => curl(method, target(made, path), body()))),
  result);
  made.addEventListener("change", ({ target: one }) => { if (one.name) remembered.set(one.name, one.value); });
  return made;
}

/** Path and query with the values of the form. */
function target(made, path) {
  const query = new URLSearchParams();
  let filled = path;
  for (const one of made.querySelectorAll("[data-in]")) {
    if (one.dataset.in === "path") filled = filled.replace(`{${one.name}}`, encodeURIComponent(one.value));
    else if (one.dataset.in === "query" && one.value !== "") query.append(one.name, one.value);
  }
  return query.size ? `${filled}?${query}` : filled;
}

function shown(answer) {
  const size = answer.size < 1024 ? `${answer.size} B` : `${(answer.size / 1024).toFixed(1)} KiB`;
  const file = answer.text === null && answer.size
    ? el("a", { class: "button", href: URL.createObjectURL(new Blob([answer.bytes])), download: "answer" }, "Save the answer")
    : null;
  return [
    el("p", { class: "outcome" }, el("b", { class: `status s${String(answer.status)[0]}` }, String(answer.status)), " ",
      answer.reason, el("span", { class: "hint" }, ` ${Math.round(answer.milliseconds)} ms · ${size}`)),
    file,
    answer.text ? el("pre", { tabIndex: 0, role: "region", "aria-label": "The answer's body" }, answer.text) : null,
    el("details", {}, el("summary", {}, `${answer.headers.length} headers`),
      el("pre", { tabIndex: 0 }, answer.headers.map(([name, value]) => `${name}: ${value}`).join("\n"))),
  ].filter(Boolean);
}
