// What a screen reader is told while the focus stays where it is: by one place that is heard, not by an empty one at each thing.
const PAUSE = 100; // what is put into a place that has just come is not heard
const KEPT = 5000; // whoever reads the page by lines later need not find it

let place: HTMLElement | undefined;
let timer: ReturnType<typeof setTimeout> | undefined;

/** Have something spoken after what is being said now. What is open in a dialog is heard from inside of it. */
export function say(text: string): void {
  if (place === undefined) {
    place = document.createElement("div");
    place.className = "hidden";
    place.setAttribute("aria-live", "polite");
    place.setAttribute("data-said", "");
  }
  const own = place;
  const over = [...document.querySelectorAll("[role=dialog]")].at(-1) ?? document.body;
  own.textContent = "";
  if (own.parentElement !== over) over.append(own);
  clearTimeout(timer);
  timer = setTimeout(() => {
    own.textContent = text;
    timer = setTimeout(() => { own.textContent = ""; }, KEPT);
  }, PAUSE);
}
