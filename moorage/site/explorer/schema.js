// JSON Schema (of OpenAPI 3.1) for people: the name of a type, a tree of its fields, an example.
import { coded, el } from "./dom.js";

const MAX_DEPTH = 6;
let components = {};

/** Remember the document's components, which `$ref`s lead to. */
export function useComponents(found) {
  components = found || {};
}

/** The schema that a reference leads to, or the schema itself. */
export function resolve(schema) {
  return schema && schema.$ref ? components.schemas?.[schema.$ref.split("/").pop()] || {} : schema || {};
}

const branches = (schema) => schema.oneOf || schema.anyOf;
const isNull = (schema) => schema.type === "null";

/** What a value is, in a few words: `array of Artifact`, `integer or null`. */
export function typeName(schema) {
  if (!schema) return "any";
  if (schema.$ref) return schema.$ref.split("/").pop();
  const several = branches(schema);
  if (several) return [...new Set(several.map(typeName))].join(" or ");
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(" or ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (Array.isArray(schema.type)) return schema.type.join(" or ");
  if (schema.type === "array") return `array of ${typeName(schema.items)}`;
  if (schema.type === "object" && schema.additionalProperties && !schema.properties) {
    return schema.additionalProperties === true ? "object" : `object of ${typeName(schema.additionalProperties)}`;
  }
  return schema.type || (schema.properties ? "object" : "any");
}

/** What else holds for a value: default, bounds, pattern; of alternatives those of each. */
export function bounds(one) {
  const schema = Object.assign({}, ...(branches(one) || []), one);
  const said = [];
  if (schema.default !== undefined && schema.default !== null) said.push(`default ${JSON.stringify(schema.default)}`);
  if (schema.minimum !== undefined) said.push(`from ${schema.minimum}`);
  if (schema.maximum !== undefined) said.push(`to ${schema.maximum}`);
  if (schema.maxLength !== undefined) said.push(`at most ${schema.maxLength} characters`);
  if (schema.format && schema.format !== "int64") said.push(schema.format);
  return said.join(", ");
}

/** The schema that has fields to show: of an array its items, of alternatives the first that is not null. */
function fieldsOf(schema) {
  const real = resolve(schema);
  const several = branches(real);
  if (several) return fieldsOf(several.find((one) => !isNull(one)) || {});
  if (real.type === "array") return fieldsOf(real.items);
  if (!real.properties && typeof real.additionalProperties === "object") return fieldsOf(real.additionalProperties);
  return real;
}

/** What a value is, in words: what is said of it here, or else of its kind. */
export function about(schema) {
  const said = schema?.description || fieldsOf(schema).description || "";
  return said ? el("p", { class: "said" }, coded(said)) : "";
}

/** A list of the fields of a schema; those of a field are made when it is opened. */
export function tree(schema, depth = 0) {
  const real = fieldsOf(schema);
  if (!real.properties) return null;
  const required = new Set(real.required || []);
  return el("ul", { class: "fields" }, Object.entries(real.properties).map(([name, field]) => {
    const inner = fieldsOf(field).properties && depth < MAX_DEPTH;
    const said = resolve(field).description || field.description || "";
    const more = bounds(field);
    const type = typeName(field).replace(required.has(name) ? "" : " or null", "");
    const line = [
      el("code", {}, name), " ", el("span", { class: "type" }, type),
      required.has(name) ? null : el("span", { class: "hint" }, " optional"),
      more ? el("span", { class: "hint" }, ` ${more}`) : null,
      said && !inner ? el("span", { class: "said" }, coded(said)) : null,
    ];
    if (!inner) return el("li", {}, line);
    const details = el("details", { ontoggle: () => {
      if (details.open && details.children.length === 1) details.append(about(field), tree(field, depth + 1));
    } }, el("summary", {}, line));
    return el("li", {}, details);
  }));
}

/** By name of a field, what such a thing looks like. The first that fits. */
const NAMED = [
  [/digest$/, "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"], [/time$|_at$|^since$|^until$/, "2026-01-31T12:00:00.000Z"],
  [/e?mail$/, "ann@example.org"], [/password|secret/, "Example-1"], [/url$|endpoint$/, "https://registry.example.org"],
  [/project/, "team"], [/repository|^path$/, "team/app"], [/tag|reference/, "v1.2.0"], [/user|owner|^by$|member|principal/, "ann"],
  [/media_?type|mime/, "application/vnd.oci.image.manifest.v1+json"], [/color/, "#0b62b8"], [/pattern/, "v*"], [/cron/, "0 0 2 * * *"],
  [/version/, "1.2.0"], [/name$/, "example"],
];
/** What a body may begin with: fields that are required, and texts of which it is known what they look like. */
export function sample(schema) {
  const real = fieldsOf(schema);
  const required = new Set(real.required || []);
  if (real.properties && real.additionalProperties === true && !required.size) return {}; // settings: what is named is changed
  const isText = (one) => (branches(resolve(one)) || [resolve(one)]).some(({ type }) => type === "string");
  const kept = Object.entries(real.properties || {}).filter(([name, one]) =>
    required.has(name) || (isText(one) && NAMED.some(([pattern]) => pattern.test(name))));
  if (!kept.length || resolve(schema).type === "array") return example(schema);
  return Object.fromEntries(kept.map(([name, one]) => [name, example(one, 1, name)]));
}

const STRINGS = { "date-time": "2026-01-31T12:00:00.000Z", date: "2026-01-31", email: "ann@example.org",
  uri: "https://example.org/", uuid: "0d3adb33-0000-4000-8000-000000000000" };

/** An example of a value, made up from its schema. */
export function example(schema, depth = 0, name = "") {
  const real = resolve(schema);
  if (real.example !== undefined) return real.example;
  if (real.examples?.length) return real.examples[0];
  if (real.default) return real.default;
  if (real.const !== undefined) return real.const;
  if (real.enum) return real.enum[0];
  const several = branches(real);
  if (several) return example(several.find((one) => !isNull(one)) || { type: "null" }, depth, name);
  const type = Array.isArray(real.type) ? real.type.find((one) => one !== "null") : real.type;
  if (type === "array") return depth > MAX_DEPTH ? [] : [example(real.items, depth + 1, name)];
  if (type === "object" || real.properties) {
    if (depth > MAX_DEPTH) return {};
    const fields = Object.entries(real.properties || {}).map(([key, one]) => [key, example(one, depth + 1, key)]);
    if (!fields.length && typeof real.additionalProperties === "object") {
      return { name: example(real.additionalProperties, depth + 1) };
    }
    return Object.fromEntries(fields);
  }
  if (type === "integer" || type === "number") return Math.max(real.minimum ?? 0, /id$/.test(name) ? 1 : 0);
  if (type === "boolean") return false;
  if (type === "null") return null;
  return STRINGS[real.format] || NAMED.find(([pattern]) => pattern.test(name))?.[1] || "text";
}
