// What is cut off: text wider than the box that hides the rest, a word of a field that is longer than the field, and a page that scrolls sideways.
(() => {
  const pen = document.createElement("canvas").getContext("2d");
  const found = [];
  const within = [...document.querySelectorAll("[role=dialog]")].at(-1) ?? document.body; // behind a dialog nobody reads
  for (const one of within.querySelectorAll("*")) {
    if (!one.checkVisibility() || one.closest(".hidden, [aria-hidden=true], pre, bdi, code")) continue;
    const style = getComputedStyle(one);
    if (one.tagName === "INPUT" && (one.value || one.placeholder) && !["checkbox", "radio"].includes(one.type)) {
      pen.font = style.font;
      const room = one.clientWidth - parseFloat(style.paddingInlineStart) - parseFloat(style.paddingInlineEnd);
      const needs = pen.measureText(one.value || one.placeholder).width;
      if (needs > room + 1) found.push(`${one.value || one.placeholder}: ${Math.ceil(needs)} of ${Math.floor(room)}`);
      continue;
    }
    const text = [...one.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE).map((node) => node.textContent.trim()).join(" ").trim();
    const box = one.getBoundingClientRect();
    if (!text || box.width <= 1) continue; // the mark's name at a phone's size
    if (style.display !== "inline" && style.overflowX !== "visible" && one.scrollWidth > one.clientWidth + 1) found.push(`${text}: ${one.scrollWidth} of ${one.clientWidth}`);
    for (let up = one.parentElement; up; up = up.parentElement) {
      const over = getComputedStyle(up).overflowX;
      if (over === "auto" || over === "scroll") break; // it can be scrolled to
      if ((over === "hidden" || over === "clip") && (box.right > up.getBoundingClientRect().right + 1 || box.left < up.getBoundingClientRect().left - 1)) {
        found.push(`${text}: outside of what holds it`);
        break;
      }
    }
  }
  if (document.documentElement.scrollWidth > window.innerWidth) found.push(`the page: ${document.documentElement.scrollWidth} of ${window.innerWidth}`);
  return found;
})()
