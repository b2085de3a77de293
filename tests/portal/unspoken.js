// Texts that stand on the page and are no words of the locales: what is in no brackets of the pseudo-language, and neither a name, a command nor a figure.
(() => {
  // What Intl writes in English, units, and names of the API that are not translated.
  const KNOWN = /\b(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\b|\b(AM|PM|UTC|GMT|ago|now|yesterday|today|tomorrow|this|last|next|in|and|min|mins|sec|secs|hr|hrs|days?|hours?|minutes?|seconds?|weeks?|months?|years?|GiB|MiB|KiB|TiB|byte|bytes)\b\.?|\b(Moorage|Ctrl|docker|podman|nerdctl|ctr|crictl|helm|oras|curl|SBOM|SPDX|cosign|image|linux|windows|amd64|arm64)\b/g;
  const found = new Set();
  const look = (text, of) => {
    const rest = text.replace(/\[[^\]]*\]/g, " ").replace(KNOWN, " ");
    if (/[A-Za-z]{3,}/.test(rest)) found.add(`${of}: ${text.trim().slice(0, 80)}`);
  };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const around = node.parentElement;
    if (!around?.checkVisibility() || around.closest("bdi, code, pre, script, style, [translate=no], [lang=en], option, [data-names]")) continue;
    look(node.textContent, around.tagName.toLowerCase());
  }
  for (const one of document.querySelectorAll("[placeholder]")) if (!one.closest("[translate=no]")) look(one.placeholder, "placeholder");
  return [...found];
})()
