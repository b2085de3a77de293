// A difference in words.

/** A value of a config: a text as it is, whatever else as JSON; nothing where there is none. */
export const valueOf = (value: unknown): string => (value === undefined || value === null ? "" : typeof value === "string" ? value : JSON.stringify(value));

/** `+3 MiB`, `−3 MiB`, `0 B`: with the sign of the difference. */
export const signed = (difference: number, size: string): string => (difference > 0 ? `+${size}` : difference < 0 ? `−${size}` : size);
