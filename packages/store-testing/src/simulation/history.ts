import { isStagefoldError } from "@stagefold/core";
import type { Answer, Call } from "./specification.ts";
import type { View } from "./view.ts";

/** What a caller was told. `view` is what it was shown of the project then, where it was shown anything. */
export interface Told {
  readonly answer: Answer;
  readonly view?: View | undefined;
}

/** One call, with its place among all beginnings and ends of calls. */
export interface Entry {
  readonly process: string;
  readonly call: Call;
  readonly invokedAt: number;
  /** Undefined: nothing is known of how it ended. It may have taken effect, may still, or never will. */
  told: (Told & { readonly at: number }) | undefined;
  /** When its caller was left without an answer: from then on it decides nothing. What it has sent may still arrive. */
  gaveUpAt?: number;
}

/** The calls about each project, in the order in which they began. */
export class Histories {
  readonly ofProject = new Map<string, Entry[]>();
  #moments = 0;

  /** Runs a call and takes down how it ended. What it threw is thrown on. */
  async record<T>(
    process: string,
    projectId: string,
    call: Call,
    run: () => Promise<T>,
    tell: (value: T) => Told,
  ): Promise<T> {
    const entry = this.#begin(process, projectId, call);
    try {
      const value = await run();
      entry.told = { ...tell(value), at: this.#moments++ };
      return value;
    } catch (error) {
      if (!isStagefoldError(error)) throw error;
      // Refused for being overtaken again and again says nothing about the project.
      if (error.code === "STORE_UNAVAILABLE" || isBusy(error)) entry.gaveUpAt = this.#moments++;
      else entry.told = { answer: error.code, at: this.#moments++ };
      throw error;
    }
  }

  /**
   * A late copy of a claim took effect. A claim decides by times alone: where clocks disagree, a copy that arrives
   * after its project was offered anew may find it due. No process knows of that lease; it expires by itself.
   */
  claimedByNobody(projectId: string): void {
    this.#begin("a late copy", projectId, { do: "claim" });
  }

  #begin(process: string, projectId: string, call: Call): Entry {
    const entry: Entry = { process, call, invokedAt: this.#moments++, told: undefined };
    const entries = this.ofProject.get(projectId) ?? [];
    this.ofProject.set(projectId, entries);
    entries.push(entry);
    return entry;
  }
}

function isBusy(error: { readonly data: object }): boolean {
  return "expected" in error.data && error.data.expected === "unchanged";
}

/** One line for people. */
export function describeEntry({ process, call, told, invokedAt }: Entry): string {
  const { do: name, ...about } = call;
  const end = told ? `${told.at} ${told.answer}${told.view ? ` ${told.view.text}` : ""}` : "? unknown";
  return `[${invokedAt}, ${end}] ${process} ${name} ${JSON.stringify(about)}`;
}
