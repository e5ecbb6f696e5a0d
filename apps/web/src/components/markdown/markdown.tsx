import { lexer, type Token, type Tokens } from "marked";
import { type ReactNode, useMemo } from "react";
import { cn } from "../../lib/cn.ts";

/**
 * A text in Markdown. It becomes elements of React and never HTML: what is HTML in it is shown as text, links lead to
 * the web or to mail alone, and pictures, which would be fetched from elsewhere, are links.
 */
export function Markdown({ text, className }: { text: string; className?: string }) {
  const tokens = useMemo(() => tokensOf(text), [text]);
  return (
    <div className={cn("grid grid-cols-1 gap-3 [overflow-wrap:anywhere]", className)}>
      {tokens ? blocks(tokens) : <p className="whitespace-pre-wrap">{text}</p>}
    </div>
  );
}

/** No person nests lists and quotes deeper; an agent's answer may, so deep that it ends the page that draws it. */
const DEEPEST = 40;

/** Undefined for a text that is nested deeper than it can be drawn. */
function tokensOf(text: string): readonly Token[] | undefined {
  try {
    const tokens = lexer(text, { gfm: true, breaks: true });
    let level: readonly Token[] = tokens;
    for (let depth = 0; level.length > 0; depth++) {
      if (depth > DEEPEST) return undefined;
      level = level.flatMap(within);
    }
    return tokens;
  } catch (error) {
    // The lexer itself calls itself for each level.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function within(token: Token): readonly Token[] {
  if ("items" in token) return token.items;
  return ("tokens" in token && token.tokens) || [];
}

function blocks(tokens: readonly Token[]): ReactNode[] {
  return tokens.map((token, i) => {
    const key = `${i} ${token.type}`;
    switch (token.type) {
      case "heading":
        return <Heading key={key} token={token as Tokens.Heading} />;
      case "paragraph":
        return <p key={key}>{inline(token.tokens)}</p>;
      case "text":
        return <span key={key}>{token.tokens ? inline(token.tokens) : decoded(token.text)}</span>;
      case "code":
        return <Code key={key} token={token as Tokens.Code} />;
      case "blockquote":
        return (
          <blockquote className="grid gap-2 border-line border-l-4 pl-3 text-ink-2" key={key}>
            {blocks(token.tokens ?? [])}
          </blockquote>
        );
      case "list":
        return <List key={key} token={token as Tokens.List} />;
      case "table":
        return <Table key={key} token={token as Tokens.Table} />;
      case "hr":
        return <hr className="border-line" key={key} />;
      case "space":
      case "def":
        return null;
      default:
        return (
          <p className="whitespace-pre-wrap" key={key}>
            {token.raw}
          </p>
        );
    }
  });
}

const HEADINGS = ["font-semibold text-lg", "font-semibold text-lg", "font-semibold text-base"] as const;

/** The page has headings of its own: those of a text are below them. */
function Heading({ token }: { token: Tokens.Heading }) {
  const look = HEADINGS[token.depth - 1] ?? "font-semibold text-sm";
  const level = Math.min(6, token.depth + 2);
  return (
    // biome-ignore lint/a11y/useSemanticElements: which element it is depends on the text
    <div aria-level={level} className={cn("mt-1", look)} role="heading">
      {inline(token.tokens)}
    </div>
  );
}

function Code({ token }: { token: Tokens.Code }) {
  return (
    <pre
      className="overflow-x-auto rounded-lg border border-line bg-sunken p-3 font-mono text-xs leading-5 [overflow-wrap:normal]"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled by keys
      tabIndex={0}
    >
      <code>{token.text}</code>
    </pre>
  );
}

function List({ token: { ordered, start, items } }: { token: Tokens.List }) {
  const Tag = ordered ? "ol" : "ul";
  return (
    <Tag
      className={cn("grid gap-1 pl-6", ordered ? "list-decimal" : "list-disc")}
      {...(ordered && typeof start === "number" && start !== 1 && { start })}
    >
      {items.map((item, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the items of a text stay in their order
        <li className={cn(item.task && "-ml-5 list-none")} key={i}>
          {item.task && <span className="mr-1.5">{item.checked ? "☑" : "☐"}</span>}
          {item.loose ? (
            <div className="grid gap-2">{blocks(item.tokens)}</div>
          ) : (
            blocks(item.tokens.filter(({ type }) => type !== "checkbox"))
          )}
        </li>
      ))}
    </Tag>
  );
}

function Table({ token: { header, rows, align } }: { token: Tokens.Table }) {
  const at = (i: number) =>
    align[i] === "right" ? "text-right" : align[i] === "center" ? "text-center" : "text-left";
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled by keys
    <div className="overflow-x-auto rounded-lg border border-line" tabIndex={0}>
      <table className="w-full text-sm">
        <thead className="bg-sunken">
          <tr>
            {header.map((cell, i) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: columns stay in their order
              <th className={cn("px-3 py-1.5 font-medium", at(i))} key={i} scope="col">
                {inline(cell.tokens)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, r) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: rows stay in their order
            <tr className="border-line border-t" key={r}>
              {row.map((cell, i) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: columns stay in their order
                <td className={cn("px-3 py-1.5 align-top", at(i))} key={i}>
                  {inline(cell.tokens)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function inline(tokens: readonly Token[] | undefined): ReactNode[] {
  return (tokens ?? []).map((token, i) => {
    const key = `${i} ${token.type}`;
    switch (token.type) {
      case "strong":
        return <strong key={key}>{inline(token.tokens)}</strong>;
      case "em":
        return <em key={key}>{inline(token.tokens)}</em>;
      case "del":
        return <del key={key}>{inline(token.tokens)}</del>;
      case "codespan":
        return (
          <code className="rounded bg-sunken px-1 py-px font-mono text-[0.9em]" key={key}>
            {token.text}
          </code>
        );
      case "br":
        return <br key={key} />;
      case "link":
        return (
          <SafeLink href={token.href} key={key}>
            {inline(token.tokens)}
          </SafeLink>
        );
      case "image":
        return (
          <SafeLink href={token.href} key={key}>
            {decoded(token.text) || token.href}
          </SafeLink>
        );
      case "text":
        return token.tokens ? inline(token.tokens) : decoded(token.text);
      case "escape":
        return decoded(token.text);
      default:
        return token.raw;
    }
  });
}

/** Where a link may lead: nowhere that runs something. */
const SAFE = /^(https?:\/\/|mailto:)/i;

function SafeLink({ href, children }: { href: string; children: ReactNode }) {
  if (!SAFE.test(href)) return <span title={href}>{children}</span>;
  return (
    <a
      className="text-accent underline hover:no-underline"
      href={href}
      rel="noopener noreferrer"
      target="_blank"
    >
      {children}
    </a>
  );
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&amp;": "&",
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&#39;": "'",
  "&nbsp;": "\u00a0",
};

/** Characters that are written as HTML writes them. */
function decoded(text: string): string {
  return text.includes("&")
    ? text.replace(/&(amp|lt|gt|quot|#39|nbsp);/g, (entity) => ENTITIES[entity] ?? entity)
    : text;
}
