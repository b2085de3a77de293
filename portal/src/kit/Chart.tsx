// A chart over time, as SVG: said in a sentence, read along a line with the arrow keys, and the same data as a table.
import { useElementSize } from "@mantine/hooks";
import { scaleLinear, scalePoint } from "d3-scale";
import { area, line } from "d3-shape";
import { useId, useState, type KeyboardEvent, type PointerEvent, type ReactNode } from "react";
import { useLanguage, useTranslate } from "../i18n/hooks.ts";
import { apart, placesOf, ticksOf, type Measure } from "./chart.ts";
import { ChartFrame } from "./ChartFrame.tsx";
import classes from "./chart.module.css";
import { bytes, compact, number } from "./format.ts";

export interface Series {
  name: string;
  /** By period; null: not known. */
  values: (number | null)[];
}

const HEIGHT = 200;
const MARGIN = { top: 12, right: 84, bottom: 24, left: 64 };
const ROOM = 16;
const UNIT = 16; // what the line with the unit takes

/** `days`: the first day of each period, `2026-01-31`. `filled`: an area, for one series. At most three series. `unit`: what stands above the axis. */
export function TimeChart({ title, summary, days, series, measure, filled, unit }: { title: string; summary: ReactNode; days: string[]; series: Series[]; measure: Measure; filled?: boolean; unit?: string }) {
  const t = useTranslate();
  const language = useLanguage();
  const { ref, width } = useElementSize();
  const [at, setAt] = useState<number | null>(null);
  const say = (value: number | null) => (value === null ? t("kit.chart.unknown") : measure === "bytes" ? bytes(value, language) : number(value, language));
  const day = (text: string) => new Intl.DateTimeFormat(language, { dateStyle: "medium", timeZone: "UTC" }).format(new Date(text));
  const last = days.length - 1;
  const here = at === null ? last : Math.min(at, last);
  const said = days.length ? [day(days[here] ?? ""), ...series.map((one) => `${one.name}: ${say(one.values[here] ?? null)}`)].join(" · ") : "";
  const move = (event: KeyboardEvent) => {
    const to = { ArrowLeft: here - 1, ArrowDown: here - 1, ArrowRight: here + 1, ArrowUp: here + 1, Home: 0, End: last, PageUp: here + 7, PageDown: here - 7 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    setAt(Math.max(0, Math.min(last, to)));
  };
  return (
    <ChartFrame title={title} summary={summary} heads={[t("kit.chart.day"), ...series.map((one) => one.name)]} rows={days.map((one, index) => [day(one), ...series.map((each) => say(each.values[index] ?? null))])}>
      <div ref={ref} className={classes["plot"]}>
        <div
          className={classes["reads"]} role="slider" tabIndex={0} aria-label={t("kit.chart.read", { title })} aria-valuemin={0} aria-valuemax={Math.max(0, last)} aria-valuenow={Math.max(0, here)} aria-valuetext={said} onKeyDown={move} onBlur={() => setAt(null)} onPointerLeave={() => setAt(null)}
          onPointerMove={(event: PointerEvent) => {
            const inner = Math.max(1, width - MARGIN.left - MARGIN.right);
            const from = event.currentTarget.getBoundingClientRect().left + MARGIN.left;
            setAt(Math.max(0, Math.min(last, Math.round(((event.clientX - from) / inner) * last))));
          }}
        >
          {width > 0 && <Drawing title={title} width={width} days={days} series={series} measure={measure} unit={unit ?? ""} filled={filled ?? false} at={at === null ? null : here} />}
        </div>
        <p className={`small figures ${classes["said"]}`} aria-hidden>{said}</p>
      </div>
    </ChartFrame>
  );
}

function Drawing({ title, width, days, series, measure, unit, filled, at }: { title: string; width: number; days: string[]; series: Series[]; measure: Measure; unit: string; filled: boolean; at: number | null }) {
  const language = useLanguage();
  const id = useId();
  const most = Math.max(0, ...series.flatMap((one) => one.values.map((value) => value ?? 0)));
  const ticks = ticksOf(most, measure);
  const top = MARGIN.top + (unit ? UNIT : 0);
  const height = HEIGHT + (unit ? UNIT : 0);
  const floor = height - MARGIN.bottom;
  const y = scaleLinear().domain([0, ticks.at(-1) ?? 1]).range([floor, top]);
  const x = scalePoint<number>().domain(days.map((_, index) => index)).range([MARGIN.left, width - MARGIN.right]);
  const place = (index: number) => x(index) ?? MARGIN.left;
  const shortDay = (text: string) => new Intl.DateTimeFormat(language, { month: "short", day: "numeric", timeZone: "UTC" }).format(new Date(text));
  const path = line<number | null>().defined((value) => value !== null).x((_, index) => place(index)).y((value) => y(value ?? 0));
  const shape = area<number | null>().defined((value) => value !== null).x((_, index) => place(index)).y0(floor).y1((value) => y(value ?? 0));
  const ends = apart(series.map((one) => y(one.values.findLast((value) => value !== null) ?? 0)), ROOM, floor);
  return (
    <svg width={width} height={height} aria-labelledby={id} className={classes["svg"]}>
      <title id={id}>{title}</title>
      {ticks.map((one) => (
        <g key={one}>
          <line className={classes["grid"]} x1={MARGIN.left} x2={width - MARGIN.right} y1={y(one)} y2={y(one)} />
          <text className={classes["tick"]} x={MARGIN.left - 8} y={y(one)} textAnchor="end" dominantBaseline="middle">{measure === "bytes" ? bytes(one, language) : compact(one, language)}</text>
        </g>
      ))}
      {unit && <text className={classes["tick"]} x={0} y={10}>{unit}</text>}
      {placesOf(days.length, width < 480 ? 3 : 7).map((index) => <text key={index} className={classes["tick"]} x={place(index)} y={height - 6} textAnchor={index === 0 ? "start" : index === days.length - 1 ? "end" : "middle"}>{shortDay(days[index] ?? "")}</text>)}
      {series.map((one, index) => (
        <g key={one.name} data-series={index + 1} className={classes["series"]}>
          {filled && <path className={classes["area"]} d={shape(one.values) ?? ""} />}
          <path className={classes["line"]} d={path(one.values) ?? ""} />
          {one.values.filter((value) => value !== null).length === 1 && one.values.map((value, each) => (value === null ? null : <circle key={each} className={classes["dot"]} cx={place(each)} cy={y(value)} r={3} />))}
          <text className={classes["name"]} x={width - MARGIN.right + 8} y={ends[index]} dominantBaseline="middle">{one.name}</text>
          {at !== null && one.values[at] !== null && one.values[at] !== undefined && <circle className={classes["dot"]} cx={place(at)} cy={y(one.values[at] ?? 0)} r={4} />}
        </g>
      ))}
      {at !== null && <line className={classes["cursor"]} x1={place(at)} x2={place(at)} y1={top} y2={floor} />}
    </svg>
  );
}
