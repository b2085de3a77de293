// How a person finds things: by what they are called, and only what is seen.
window.__name = (one) => {
  const named = (one.getAttribute("aria-labelledby") ?? "").split(" ").filter(Boolean);
  const label = named.map((id) => document.getElementById(id)?.textContent ?? "").join(" ");
  return (one.getAttribute("aria-label") || label || one.textContent || "").trim();
};
window.__seen = (one) => one.checkVisibility({ visibilityProperty: true });
window.__named = (name, role, within) => {
  const roles = ["button", "tab", "menuitem", "menuitemradio", "menuitemcheckbox", "option", "radio", "switch"];
  const kinds = role ? `[role=${role}]` : ["button", "a", "summary", "label", "input[type=checkbox]", ...roles.map((one) => `[role=${one}]`)].join(",");
  const found = [...document.querySelectorAll(kinds)].filter(window.__seen);
  const seen = within ? found.filter((one) => one.closest(`[role=${within}]`)) : found;
  const open = [...document.querySelectorAll("[role=dialog], [role=menu]")].filter(window.__seen);
  const dialog = open.find((one) => one.closest("[data-above]")) ?? open.at(-1);
  const order = dialog ? [...seen.filter((one) => dialog.contains(one)), ...seen] : seen;
  return order.find((one) => window.__name(one) === name) ?? order.find((one) => window.__name(one).startsWith(name));
};
window.__field = (label) =>
  [...document.querySelectorAll("input, textarea")].filter(window.__seen).find((one) => {
    const labels = [one.getAttribute("aria-label") ?? "", ...[...(one.labels ?? [])].map((each) => each.textContent.trim())];
    return labels.some((each) => each === label || each.startsWith(`${label} (`));
  });
