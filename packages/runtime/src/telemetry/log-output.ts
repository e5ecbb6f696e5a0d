/** Where the log of a program goes: what is given, and later also a collector. */
export class LogOutput {
  readonly #destination: { write(line: string): unknown };
  /** Takes each line too, from now on. */
  also: ((line: string) => void) | undefined;

  constructor(destination: { write(line: string): unknown }) {
    this.#destination = destination;
  }

  write(line: string): void {
    this.#destination.write(line);
    this.also?.(line);
  }
}
