// Markdown as people write it in descriptions and readmes, made of elements: markup in it is text, links go only to the web
// and to mail, and pictures are not fetched, since that would tell others who reads.
import { Lexer, type Token, type Tokens } from "marked";
import { Fragment, useMemo, type ReactNode } from "react";
import classes from "./markdown.module.css";

const LONGEST = 200_000;
/** Deeper than people write: it would take the time of everybody who opens the page. */
const DEEP = /^(?:[ \t]*(?:>|[-*+]|\d{1,9}[.)])[ \t]*){12}/m;
const DEEPEST = 24;
const SCHEMES = ["http:", "https:", "mailto:"];
const ENTITIES: Record<string, string> = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'" };

/** The whole address, where it is one that a description may point to. */
export function safeLink(href: string): string | null {
  try {
    const url = new URL(href);
    return SCHEMES.includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/** `level`: of the heading above; headings go on from there and leave none out. */
export function Markdown({ text, level = 1 }: { text: string; level?: number }) {
  const blocks = useMemo(() => read(text), [text]);
  if (blocks === null) return <pre className={classes["plain"]} dir="auto">{text}</pre>;
  const at = { level };
  return <div className={classes["markdown"]} dir="auto">{blocks.map((one, index) => <Fragment key={index}>{block(one, at, level, 0)}</Fragment>)}</div>;
}

function read(text: string): Token[] | null {
  if (text.length > LONGEST || DEEP.test(text)) return null;
  try {
    return new Lexer({ gfm: true }).lex(text);
  } catch {
    return null;
  }
}

const plain = (text: string) => text.replace(/&(?:amp|lt|gt|quot|#39);/g, (one) => ENTITIES[one] ?? one);
const all = (tokens: Token[] | undefined, one: (token: Token) => ReactNode): ReactNode[] => (tokens ?? []).map((token, index) => <Fragment key={index}>{one(token)}</Fragment>);

function block(token: Token, at: { level: number }, above: number, depth: number): ReactNode {
  if (depth > DEEPEST) return token.raw;
  const inner = (tokens: Token[] | undefined) => all(tokens, (one) => block(one, at, above, depth + 1));
  switch (token.type) {
    case "space": case "def": case "checkbox": return null;
    case "heading": {
      at.level = Math.min((token as Tokens.Heading).depth + above, at.level + 1, 6);
      const Heading = `h${Math.max(2, at.level)}` as "h2";
      return <Heading>{words(token.tokens, depth)}</Heading>;
    }
    case "paragraph": return <p>{words(token.tokens, depth)}</p>;
    case "blockquote": return <blockquote>{inner(token.tokens)}</blockquote>;
    case "code": return <pre className={classes["code"]} translate="no" dir="ltr"><code>{token.text}</code></pre>;
    case "hr": return <hr />;
    case "list": {
      const { ordered, start, items } = token as Tokens.List;
      const rows = items.map((one, index) => <li key={index} data-task={one.task || undefined}>{one.task && <span aria-hidden>{one.checked ? "☑" : "☐"} </span>}{inner(one.tokens)}</li>);
      return ordered ? <ol start={Number(start) || 1}>{rows}</ol> : <ul>{rows}</ul>;
    }
    case "table": {
      const { header, rows } = token as Tokens.Table;
      const cell = (Cell: "th" | "td") => (one: Tokens.TableCell, index: number) => <Cell key={index}>{words(one.tokens, depth)}</Cell>;
      return <div className={classes["wide"]}><table><thead><tr>{header.map(cell("th"))}</tr></thead><tbody>{rows.map((row, index) => <tr key={index}>{row.map(cell("td"))}</tr>)}</tbody></table></div>;
    }
    case "html": return <p>{token.raw}</p>;
    default: return words([token], depth);
  }
}

function words(tokens: Token[] | undefined, depth: number): ReactNode[] {
  return all(tokens, (token) => {
    if (depth > DEEPEST) return token.raw;
    const inner = () => words((token as { tokens?: Token[] }).tokens, depth + 1);
    switch (token.type) {
      case "strong": return <strong>{inner()}</strong>;
      case "em": return <em>{inner()}</em>;
      case "del": return <s>{inner()}</s>;
      case "codespan": return <code translate="no">{token.text}</code>;
      case "br": return <br />;
      case "escape": return token.text;
      case "checkbox": return null;
      case "link": return <Link href={token.href}>{inner()}</Link>;
      case "image": return <Link href={token.href}>{plain(token.text) || token.href}</Link>;
      case "html": return token.raw;
      default: return "tokens" in token && token.tokens ? inner() : plain(String((token as Tokens.Text).text ?? token.raw));
    }
  });
}

function Link({ href, children }: { href: string; children: ReactNode }) {
  const to = safeLink(href);
  return to === null ? <span title={href}>{children}</span> : <a href={to} target="_blank" rel="noopener noreferrer nofollow">{children}</a>;
}
