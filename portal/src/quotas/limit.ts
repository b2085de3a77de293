// A limit as people type it, in GiB, and as the API has it, in bytes; empty is no limit, which the API calls -1.

const GIB = 1024 ** 3;

export const shownLimit = (limit: number): string => (limit < 0 ? "" : String(Math.round((limit / GIB) * 100) / 100));
export const limitOf = (text: string): number => (text.trim() === "" ? -1 : Math.round(Number(text) * GIB));
