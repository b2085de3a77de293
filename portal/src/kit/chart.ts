// What charts count with: ticks that people can read, in powers of 1024 for bytes, and labels that do not stand on each other.
import { scaleLinear } from "d3-scale";

export type Measure = "bytes" | "count";

/** Round values from 0 to `most` or a little above, about `wanted` of them; the last is the top of the axis. */
export function ticksOf(most: number, measure: Measure, wanted = 4): number[] {
  if (most <= 0) return [0, 1];
  const unit = measure === "bytes" ? 1024 ** Math.max(0, Math.floor(Math.log(most) / Math.log(1024))) : 1;
  const found = scaleLinear().domain([0, most / unit]).nice(wanted).ticks(wanted).map((one) => one * unit);
  return measure === "count" || unit === 1 ? [...new Set(found.map(Math.ceil))] : found;
}

/** Heights for labels that want to stand at `wanted`, at least `room` apart and no lower than `floor`, in the same order. */
export function apart(wanted: readonly number[], room: number, floor: number): number[] {
  const order = wanted.map((height, index) => ({ height, index })).sort((a, b) => a.height - b.height);
  order.forEach((one, at) => { if (at > 0) one.height = Math.max(one.height, (order[at - 1]?.height ?? 0) + room); });
  for (let at = order.length - 1, limit = floor; at >= 0; at -= 1, limit -= room) {
    const one = order[at];
    if (one) one.height = Math.min(one.height, limit);
  }
  const found = [...wanted];
  for (const one of order) found[one.index] = one.height;
  return found;
}

/** Which of `count` places along an axis get a word: the last, and others as far from each other, at most `most`. */
export function placesOf(count: number, most: number): number[] {
  const step = Math.max(1, Math.ceil((count - 1) / Math.max(1, most - 1)));
  const found: number[] = [];
  for (let at = count - 1; at >= 0; at -= step) found.unshift(at);
  return found;
}
