// Something is done to several things, one after the other: a refusal keeps none of the others from it.
import { asProblem, type Problem } from "../api/problem.ts";

export interface Left<T> {
  one: T;
  /** What it is called where it could not be done. */
  name: string;
  problem: Problem;
}

/**
 * Do it to each.
 *
 * @param told how many have been tried
 * @param stops asked before each: the others are left as they are
 */
export async function tryEach<T>(these: readonly T[], nameOf: (one: T) => string, act: (one: T) => Promise<unknown>, told: (count: number) => void = () => undefined, stops: () => boolean = () => false): Promise<{ done: T[]; left: Left<T>[] }> {
  const done: T[] = [];
  const left: Left<T>[] = [];
  for (const one of these) {
    if (stops()) break;
    try {
      await act(one);
      done.push(one);
    } catch (error) {
      left.push({ one, name: nameOf(one), problem: asProblem(error) });
    }
    told(done.length + left.length);
  }
  return { done, left };
}
