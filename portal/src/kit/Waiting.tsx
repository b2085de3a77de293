// What stands where a page's content will be: after a moment, so that what comes at once does not flicker.
import { Skeleton } from "@mantine/core";
import { useEffect, useState } from "react";

const WIDTHS = ["38%", "62%", "54%", "70%", "46%"];

export function Waiting() {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 150);
    return () => clearTimeout(timer);
  }, []);
  return <div className="panel" aria-busy style={late ? undefined : { visibility: "hidden" }}>{WIDTHS.map((width) => <Skeleton key={width} height={14} my={9} radius={3} width={width} />)}</div>;
}
