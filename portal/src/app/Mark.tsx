import classes from "./shell.module.css";

/** The sign of the product, in the colour of the text around it. */
export function Mark() {
  return (
    <svg viewBox="0 0 32 32" width="20" height="20" aria-hidden className={classes["sign"]}>
      <rect width="32" height="32" rx="7" fill="currentColor" />
      <path d="M7 23V9.5l9 8 9-8V23" fill="none" className={classes["signLine"]} strokeWidth="3" strokeLinecap="round" strokeLinejoin="round" />
    </svg>
  );
}
