import type { ReactNode } from "react";
import { cn } from "../../lib/cn.ts";

export interface Column<Row> {
  readonly name: string;
  readonly cell: (row: Row) => ReactNode;
  /** Figures and actions stand at the end of their column. */
  readonly end?: true;
  /** On a phone, where each row is a card: its title, or without its name. */
  readonly phone?: "title" | "plain";
}

export interface DataTableProps<Row> {
  /** What the table is of, for screen readers. */
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  keyOf: (row: Row, index: number) => string;
  /** What can be told from a row as a whole, such as that it is of no use any more. */
  dim?: (row: Row) => boolean;
}

/** A table of some dozens of rows; on a phone each row is a card. */
export function DataTable<Row>({ label, columns, rows, keyOf, dim }: DataTableProps<Row>) {
  const cells = columns.map(({ cell }) => rows.map((row) => cell(row)));
  // A column in which no row has anything would be a name above nothing.
  const shown = columns.flatMap((column, i) => {
    const contents = cells[i] ?? [];
    return contents.every(isEmpty) ? [] : [{ ...column, contents }];
  });
  return (
    <div className="overflow-x-auto rounded-xl border border-line bg-surface">
      {/* Chinese may break after any character, so that a narrow column would stand on its end. */}
      <table aria-label={label} className="w-full text-left text-sm md:break-keep">
        <thead className="border-line border-b text-ink-3 text-xs max-md:sr-only">
          <tr>
            {shown.map(({ name, end }) => (
              <th className={cn("px-4 py-2.5 font-medium", end && "text-right")} key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr
              className={cn(
                "border-line border-b last:border-0 max-md:grid max-md:gap-1 max-md:px-4 max-md:py-3",
                dim?.(row) && "text-ink-3",
              )}
              key={keyOf(row, index)}
            >
              {shown.map(({ name, contents, end, phone }) => {
                const content = contents[index];
                return (
                  <td
                    className={cn(
                      // Among the lines of a card one without a value would only be a riddle.
                      isEmpty(content) && "max-md:hidden!",
                      "align-middle max-md:flex max-md:items-baseline max-md:justify-between max-md:gap-4 md:px-4 md:py-2.5",
                      end && "md:text-right",
                      phone === "title" && "max-md:font-semibold",
                    )}
                    key={name}
                  >
                    {phone === undefined && (
                      <span aria-hidden className="shrink-0 text-ink-3 text-xs md:hidden">
                        {name}
                      </span>
                    )}
                    {/* Beside other columns only what gives the row its name is broken within a word. */}
                    <div
                      className={cn(
                        "min-w-0 max-md:[overflow-wrap:anywhere]",
                        phone === "title" ? "md:min-w-40 md:[overflow-wrap:anywhere]" : "max-md:text-right",
                      )}
                    >
                      {content}
                    </div>
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function isEmpty(content: ReactNode): boolean {
  return content === undefined || content === null || content === false || content === "";
}
