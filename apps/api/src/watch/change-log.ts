import type { ListChange, NumberedChange } from "./list-event.ts";

const AT_MOST = 1000;

/** The last changes of the list, for readers that come back. Its name tells them apart from those of another process. */
export class ChangeLog {
  #name = newName();
  #last = 0;
  #changes: NumberedChange[] = [];

  add(change: Exclude<ListChange, { kind: "reset" }>): NumberedChange {
    this.#last += 1;
    const numbered = { number: this.#last, change };
    this.#changes.push(numbered);
    if (this.#changes.length > 2 * AT_MOST) this.#changes = this.#changes.slice(-AT_MOST);
    return numbered;
  }

  /** The id of an event with this number, or of the present. */
  id(number = this.#last): string {
    return `${this.#name}-${number}`;
  }

  /** What came after the event of this id, or undefined when that cannot be said any more. */
  after(id: string): readonly NumberedChange[] | undefined {
    const [name, text] = id.split("-");
    const number = Number(text);
    if (name !== this.#name || !Number.isInteger(number) || number > this.#last) return undefined;
    const first = this.#changes[0]?.number ?? this.#last + 1;
    return number + 1 < first ? undefined : this.#changes.filter((change) => change.number > number);
  }

  /** From here on nothing earlier is known. */
  forget(): void {
    this.#name = newName();
    this.#changes = [];
  }
}

function newName(): string {
  return crypto.randomUUID().slice(0, 8);
}
