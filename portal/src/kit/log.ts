// What a log is made of: lines with their number and level, in pieces with the colours that programs wrote into them.

export type Level = "debug" | "info" | "warning" | "error";
/** A colour of the tokens; a log has no others. */
export type Ink = "danger" | "ok" | "warn" | "accent" | "faint";

export interface Piece {
  text: string;
  ink?: Ink;
  strong?: boolean;
}
export interface Line {
  /** From 1, in the whole log. */
  n: number;
  level: Level;
  pieces: Piece[];
  /** Without colours, for searching. */
  plain: string;
}

const LEVEL = /\[(DEBUG|INFO|WARN|WARNING|ERROR|CRITICAL|FATAL)\]/;
const LEVELS: Record<string, Level> = { DEBUG: "debug", INFO: "info", WARN: "warning", WARNING: "warning", ERROR: "error", CRITICAL: "error", FATAL: "error" };
const INKS: Record<number, Ink> = { 30: "faint", 31: "danger", 32: "ok", 33: "warn", 34: "accent", 35: "accent", 36: "accent", 90: "faint", 91: "danger", 92: "ok", 93: "warn", 94: "accent", 95: "accent", 96: "accent" };
// eslint-disable-next-line no-control-regex
const COLOUR = /\u001b\[([\d;]*)m/;
// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

const shown = (text: string) => text.replace(CONTROL, "␛");

/** The lines of a log, the last `most` of them. A line without a level has that of the one before it. */
export function linesOf(text: string, most: number): Line[] {
  const all = text.replace(/\r?\n$/, "").split(/\r?\n/);
  const from = Math.max(0, all.length - most);
  let level: Level = "info";
  return all.slice(from).map((raw, index) => {
    const pieces = piecesOf(raw);
    const plain = pieces.map((one) => one.text).join("");
    const found = LEVEL.exec(plain.slice(0, 60))?.[1];
    if (found) level = LEVELS[found] ?? "info";
    return { n: from + index + 1, level, pieces, plain };
  });
}

/** A line in pieces: colours of a terminal as those of the tokens, whatever else is no sign as `␛`. */
export function piecesOf(raw: string): Piece[] {
  const parts = raw.split(COLOUR); // text, codes, text, codes, …
  const pieces: Piece[] = [];
  let ink: Ink | undefined;
  let strong = false;
  parts.forEach((part, index) => {
    if (index % 2 === 0) {
      if (part !== "") pieces.push({ text: shown(part), ...(ink ? { ink } : {}), ...(strong ? { strong } : {}) });
      return;
    }
    for (const code of part.split(";").map(Number)) {
      if (code === 0) [ink, strong] = [undefined, false];
      else if (code === 1) strong = true;
      else if (code === 22) strong = false;
      else if (code === 39 || code === 37 || code === 97) ink = undefined;
      else ink = INKS[code] ?? ink;
    }
  });
  return pieces;
}

const RANK: Record<Level, number> = { debug: 0, info: 1, warning: 2, error: 3 };

/** Lines of at least this level that have these words. */
export function chosenOf(lines: readonly Line[], least: Level, words: string): readonly Line[] {
  if (least === "debug" && words === "") return lines;
  const wanted = words.toLowerCase();
  return lines.filter((one) => RANK[one.level] >= RANK[least] && one.plain.toLowerCase().includes(wanted));
}
