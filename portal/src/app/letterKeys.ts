const OFF = "moorage-keys";

/** Whether single letters do something: whoever dictates to a browser turns them off. */
export function areLettersOn(): boolean {
  try {
    return localStorage.getItem(OFF) !== "off";
  } catch {
    return true;
  }
}

export function setLetters(on: boolean): void {
  try {
    if (on) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, "off");
  } catch { /* no storage: they stay on */ }
}
