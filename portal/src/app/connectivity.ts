// Whether the server can be reached; while it cannot, it is asked again and again, and what failed meanwhile is asked for once it is back.
import { useEffect, useState } from "react";
import { queries } from "./session.tsx";

/** Told by whoever asked and got no answer (api/client.ts). */
export const UNREACHABLE = "moorage:unreachable";
const PAUSE_S = 8;

/** Seconds until the next try; null: all is well. */
export function useReach(): number | null {
  const [left, setLeft] = useState<number | null>(null);
  const away = left !== null;
  useEffect(() => {
    const lost = () => setLeft((now) => now ?? PAUSE_S);
    const back = () => setLeft((now) => (now === null ? null : 0)); // the network is: is the server?
    window.addEventListener(UNREACHABLE, lost);
    window.addEventListener("offline", lost);
    window.addEventListener("online", back);
    return () => {
      window.removeEventListener(UNREACHABLE, lost);
      window.removeEventListener("offline", lost);
      window.removeEventListener("online", back);
    };
  }, []);
  useEffect(() => {
    if (!away) return undefined;
    const timer = setInterval(() => setLeft((now) => (now === null || now <= 0 ? now : now - 1)), 1000);
    return () => clearInterval(timer);
  }, [away]);
  useEffect(() => {
    if (left !== 0) return undefined;
    const stop = new AbortController();
    const again = () => { if (!stop.signal.aborted) setLeft(PAUSE_S); };
    void fetch("/api/v2.0/ping", { credentials: "omit", cache: "no-store", signal: stop.signal }).then((reply) => {
      if (!reply.ok) return again();
      setLeft(null);
      void queries.invalidateQueries();
      return undefined;
    }, again);
    return () => stop.abort();
  }, [left]);
  return left;
}
