/** Something that rows are read from, once, in its order. */
export interface Source {
  /** What the report calls it. */
  readonly name: string;
  /** One text a row, and where it stands, counted from 1; `undefined` for a row that is too long to be one. */
  lines(signal?: AbortSignal): AsyncIterable<SourceLine>;
}

export interface SourceLine {
  readonly line: number;
  readonly text: string | undefined;
}

/** A source cannot be read to its end. */
export class SourceError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "SourceError";
  }
}
