// The banner as the API has it, a text of JSON, and as a form has it.

export const TONES = ["info", "success", "warning", "danger"] as const;
export type Tone = (typeof TONES)[number];

export interface Banner {
  message: string;
  type: Tone;
  closable: boolean;
  /** `2026-01-31`, or "": from the beginning, for ever. */
  fromDate: string;
  toDate: string;
}

const NONE: Banner = { message: "", type: "info", closable: false, fromDate: "", toDate: "" };

/** A day that anybody wrote (`1/31/2026` too) as a field of the browser has it. */
export function dayOf(text: unknown): string {
  if (typeof text !== "string" || text === "") return "";
  if (/^\d{4}-\d{2}-\d{2}$/.test(text)) return text;
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) return "";
  return [time.getFullYear(), String(time.getMonth() + 1).padStart(2, "0"), String(time.getDate()).padStart(2, "0")].join("-");
}

export function readBanner(text: unknown): Banner {
  if (typeof text !== "string" || text === "") return NONE;
  try {
    const said = JSON.parse(text) as Record<string, unknown>;
    const type = TONES.find((one) => one === said["type"]) ?? "info";
    return { message: typeof said["message"] === "string" ? said["message"] : "", type, closable: said["closable"] === true, fromDate: dayOf(said["fromDate"]), toDate: dayOf(said["toDate"]) };
  } catch {
    return { ...NONE, message: text };
  }
}

/** Without a message there is no banner. */
export function writeBanner(banner: Banner): string {
  if (banner.message.trim() === "") return "";
  const { fromDate, toDate, ...rest } = banner;
  return JSON.stringify({ ...rest, ...(fromDate ? { fromDate } : {}), ...(toDate ? { toDate } : {}) });
}
