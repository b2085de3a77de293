// Before the first paint: the theme that was chosen, else the system's. Under 400 bytes: all wait for it.
(() => {
  let chosen = null;
  try { chosen = localStorage.getItem("moorage-theme"); } catch {}
  const dark = chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.mantineColorScheme = dark ? "dark" : "light";
})();
