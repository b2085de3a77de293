// Fields, boxes and switches that are hardly seen: outline and filling under 3 : 1 against what is behind them (WCAG 2.2, 1.4.11).
(() => {
  const pen = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
  const known = new Map();
  const colour = (css) => {
    if (!known.has(css)) {
      pen.clearRect(0, 0, 1, 1);
      pen.fillStyle = css;
      pen.fillRect(0, 0, 1, 1);
      known.set(css, [...pen.getImageData(0, 0, 1, 1).data]);
    }
    return known.get(css);
  };
  const light = ([r, g, b]) => [r, g, b].map((one) => (one /= 255) <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4).reduce((sum, one, at) => sum + one * [0.2126, 0.7152, 0.0722][at], 0);
  const ratio = (one, other) => {
    const [high, low] = [light(one), light(other)].sort((a, b) => b - a);
    return (high + 0.05) / (low + 0.05);
  };
  const behind = (one) => {
    for (let up = one.parentElement; up; up = up.parentElement) {
      const found = colour(getComputedStyle(up).backgroundColor);
      if (found[3] === 255) return found;
    }
    return [255, 255, 255, 255];
  };
  const found = [];
  for (const field of document.querySelectorAll("input, textarea")) {
    const one = field.role === "switch" ? field.nextElementSibling : field;
    if (field.disabled || !one?.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    const style = getComputedStyle(one);
    const shown = [style.backgroundColor, ...(parseFloat(style.borderTopWidth) > 0 && style.borderTopStyle !== "none" ? [style.borderTopColor] : [])];
    const opaque = shown.map(colour).filter((each) => each[3] === 255);
    if (opaque.length === 0) continue; // drawn by what holds it
    const best = Math.max(...opaque.map((each) => ratio(each, behind(one))));
    if (best < 3) found.push(`${field.labels?.[0]?.textContent || field.ariaLabel || field.placeholder || field.type}: ${best.toFixed(2)} : 1`);
  }
  return found;
})()
