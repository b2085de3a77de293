// A log as the server wrote it: follows its end until the reader scrolls up, and can be taken away as a file.
import { Button, Switch } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import { useWords } from "../app/words.ts";
import { Copy } from "./show.tsx";
import classes from "./kit.module.css";

const KEPT = 5000;

/** `text` grows while `running`; `name` names the region and the file. */
export function Log({ text, name, running }: { text: string; name: string; running: boolean }) {
  const t = useWords();
  const [follow, setFollow] = useState(true);
  const box = useRef<HTMLPreElement>(null);
  const lines = text.replace(/\n$/, "").split("\n");
  const shown = lines.slice(-KEPT).join("\n").replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, "␛");
  useEffect(() => {
    if (follow && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [shown, follow]);
  const save = () => {
    const url = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
    const link = document.createElement("a");
    link.href = url;
    link.download = `${name.replace(/[^\w.-]+/g, "-")}.log`;
    link.click();
    URL.revokeObjectURL(url);
  };
  return (
    <section className={classes["command"]} aria-label={name}>
      <div className={classes["commandHead"]}>
        <span className="small muted figures">{t("kit.log.lines", { count: lines.length })}</span>
        <span className="grow" />
        {running && <Switch size="xs" label={t("kit.log.follow")} checked={follow} onChange={(event) => setFollow(event.currentTarget.checked)} />}
        <Button size="xs" variant="subtle" onClick={save}>{t("kit.log.download")}</Button>
        <Copy text={text} label={t("kit.log.copy")} />
      </div>
      {lines.length > KEPT && <p className="small muted">{t("kit.log.cut", { count: KEPT })}</p>}
      <pre
        ref={box} className={classes["log"]} tabIndex={0} role="log" aria-live={running && follow ? "off" : "polite"} aria-label={name} translate="no"
        onScroll={(event) => {
          const { scrollTop, scrollHeight, clientHeight } = event.currentTarget;
          if (running) setFollow(scrollHeight - scrollTop - clientHeight < 24);
        }}
      >
        {shown}
      </pre>
    </section>
  );
}
