// What somebody types to filter a list: it is the list's after a moment of rest, and follows the address.
import { useEffect, useRef, useState } from "react";
import type { ListState } from "../app/search.ts";

const REST_MS = 250;

export function useTyped(list: ListState): [string, (text: string) => void] {
  const [text, setText] = useState(list.q);
  const typed = useRef(list.q);
  useEffect(() => {
    if (list.q !== typed.current) { // the address changed by itself: back, or "clear"
      typed.current = list.q;
      setText(list.q);
    }
  }, [list.q]);
  useEffect(() => {
    if (text === typed.current) return undefined;
    const timer = setTimeout(() => { typed.current = text; list.set({ q: text || undefined }); }, REST_MS);
    return () => clearTimeout(timer);
  }, [text, list]);
  return [text, setText];
}
