import Papa from "papaparse";
import { type ReactNode, useEffect, useMemo, useState } from "react";
import { JsonTree } from "../../../components/json-tree.tsx";
import { Markdown } from "../../../components/markdown/lazy-markdown.tsx";
import { Button } from "../../../components/ui/button.tsx";
import { useLang, useMessages } from "../../../i18n/lang.ts";
import { cn } from "../../../lib/cn.ts";
import { formatNumber } from "../../../lib/format.ts";
import { messages } from "../messages.ts";
import type { Drawn, Language } from "../model/preview.ts";
import { Code } from "./code.tsx";

export interface DrawnTextProps {
  drawn: Drawn;
  text: string;
  language: Language | undefined;
  name: string;
}

/** A text as what it stands for: Markdown, a table, a tree, a picture; or as the text that it is. */
export function DrawnText({ drawn, text, language, name }: DrawnTextProps) {
  const t = useMessages(messages);
  const [asText, setAsText] = useState(false);
  return (
    <>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset would draw a frame */}
      <div aria-label={t.look} className="flex gap-1 border-line border-b px-3 py-1.5" role="group">
        {[false, true].map((plain) => (
          <Button
            aria-pressed={plain === asText}
            className={cn(plain === asText && "bg-selected text-accent")}
            key={String(plain)}
            look="ghost"
            onClick={() => setAsText(plain)}
            size="small"
          >
            {plain ? t.source : t.drawn}
          </Button>
        ))}
      </div>
      {asText ? <Code language={language} text={text} /> : <Picture drawn={drawn} name={name} text={text} />}
    </>
  );
}

function Picture({ drawn, text, name }: { drawn: Drawn; text: string; name: string }): ReactNode {
  switch (drawn) {
    case "markdown":
      return (
        <Scrolled>
          <div className="max-w-3xl p-4" data-testid="markdown">
            <Markdown text={text} />
          </div>
        </Scrolled>
      );
    case "table":
      return <Table text={text} />;
    case "json":
      return <Json text={text} />;
    case "svg":
      return <Svg name={name} text={text} />;
    default:
      return drawn satisfies never;
  }
}

function Scrolled({ children }: { children: ReactNode }) {
  const t = useMessages(messages);
  return (
    // biome-ignore lint/a11y/useSemanticElements: a region that scrolls
    <div
      aria-label={t.content}
      className="max-h-[70dvh] overflow-auto focus-visible:outline-offset-[-2px]"
      role="region"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled by keys
      tabIndex={0}
    >
      {children}
    </div>
  );
}

/** More rows are for a download. */
const ROWS = 500;

function Table({ text }: { text: string }) {
  const t = useMessages(messages);
  const lang = useLang();
  const [head = [], ...rows] = useMemo(
    () => Papa.parse<string[]>(text.trimEnd(), { skipEmptyLines: true }).data,
    [text],
  );
  return (
    <Scrolled>
      <table className="text-sm" data-testid="table">
        <thead className="sticky top-0 bg-sunken">
          <tr>
            {head.map((name, i) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: columns stay in their order
              <th className="whitespace-nowrap px-3 py-1.5 text-left font-medium" key={i} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, ROWS).map((row, r) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: rows stay in their order
            <tr className="border-line border-t" key={r}>
              {head.map((_, i) => (
                <td
                  className={cn(
                    "max-w-96 truncate px-3 py-1.5",
                    /^-?[\d.,]+%?$/.test(row[i] ?? "") && "tabular text-right",
                  )}
                  // biome-ignore lint/suspicious/noArrayIndexKey: columns stay in their order
                  key={i}
                  title={row[i]}
                >
                  {row[i]}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > ROWS && (
        <p className="p-3 text-ink-2 text-sm">{t.moreRows(formatNumber(rows.length - ROWS, lang))}</p>
      )}
    </Scrolled>
  );
}

function Json({ text }: { text: string }) {
  const t = useMessages(messages);
  const value = useMemo(() => {
    try {
      return { is: JSON.parse(text) as unknown };
    } catch (error) {
      if (error instanceof SyntaxError) return undefined;
      throw error;
    }
  }, [text]);
  if (!value)
    return (
      <>
        <p className="px-4 pt-3 text-ink-2 text-sm">{t.badJson}</p>
        <Code language={undefined} text={text} />
      </>
    );
  return (
    <Scrolled>
      <div className="p-3">
        <JsonTree value={value.is} />
      </div>
    </Scrolled>
  );
}

/** As a picture, in which nothing runs and nothing is fetched. */
function Svg({ text, name }: { text: string; name: string }) {
  const t = useMessages(messages);
  const [url, setUrl] = useState<string>();
  const [broken, setBroken] = useState(false);
  useEffect(() => {
    const made = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [text]);
  if (broken) return <p className="p-6 text-ink-2">{t.badImage}</p>;
  return (
    <div className="grid place-items-center bg-sunken p-4">
      {url !== undefined && (
        <img
          alt={name}
          className="max-h-[65dvh] max-w-full object-contain"
          onError={() => setBroken(true)}
          src={url}
        />
      )}
    </div>
  );
}
