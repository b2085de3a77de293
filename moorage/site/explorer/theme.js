// Before the first paint: the theme that somebody chose here, else what the system likes.
"use strict";
try {
  const chosen = localStorage.getItem("moorage-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch { /* no storage: the system decides */ }
