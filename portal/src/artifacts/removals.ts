// Several things are removed one after the other: each stands for itself, and what could not go is told with why.
import { asProblem, type Problem } from "../api/problem.ts";

export interface Going {
  /** What it is called where it could not be removed. */
  name: string;
  /** How the trash calls it; null: it went along with another, and comes back with that. */
  entry: string | null;
  /** "along": it had gone already with another of these. */
  remove: () => Promise<"along" | void>;
}

export interface Removed {
  gone: Going[];
  stay: { one: Going; problem: Problem }[];
}

/**
 * Remove each. What another of them still needs (`MANIFEST_IN_USE`) is tried again once others have gone.
 *
 * @param told how many have been tried
 * @param stops asked before each: the others are left as they are
 */
export async function removeEach(these: Going[], told: (count: number) => void, stops: () => boolean): Promise<Removed> {
  const gone: Going[] = [];
  let stay: Removed["stay"] = [];
  let waiting = these;
  while (waiting.length > 0) {
    const before = gone.length;
    const refused: Removed["stay"] = [];
    for (const one of waiting) {
      if (stops()) return { gone, stay };
      try {
        gone.push((await one.remove()) === "along" ? { ...one, entry: null } : one);
      } catch (error) {
        refused.push({ one, problem: asProblem(error) });
      }
      told(gone.length + stay.length);
    }
    const inUse = refused.filter(({ problem }) => problem.reason === "MANIFEST_IN_USE");
    const again = gone.length > before ? inUse : [];
    stay = [...stay, ...refused.filter((one) => !again.includes(one))];
    waiting = again.map(({ one }) => one);
    told(gone.length + stay.length);
  }
  return { gone, stay };
}

const AT_ONCE = 6; // a browser sends no more to one server

/** Ask of each, some at a time; the answers in the order of what was asked about. */
export async function askEach<T, A>(these: readonly T[], ask: (one: T) => Promise<A>): Promise<A[]> {
  const found: A[] = [];
  for (let from = 0; from < these.length; from += AT_ONCE) found.push(...(await Promise.all(these.slice(from, from + AT_ONCE).map(ask))));
  return found;
}
