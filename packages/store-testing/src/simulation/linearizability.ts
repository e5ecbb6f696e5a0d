import type { Entry } from "./history.ts";
import { isOverLater, isShown, isUndone } from "./later-answers.ts";
import { type Outcome, outcomes, type Spec } from "./specification.ts";

export type Verdict =
  | { readonly verdict: "linearizable" }
  /** `furthest`: how many calls could be explained at the most; `stuck` are those that might have come next. */
  | { readonly verdict: "not_linearizable"; readonly furthest: number; readonly stuck: readonly Entry[] }
  /** The search was cut short before it found an order: this says nothing, neither good nor bad. */
  | { readonly verdict: "undecided"; readonly tried: number };

/** An order is usually found within hundreds of places, and that there is none within thousands. */
const PLACES_AT_MOST = 200_000;
/** Only what others undo again is written again: a call that did so more often than this has not been seen. */
const EFFECTS_AT_MOST = 3;

/**
 * Whether one order of all calls, each at one moment between its beginning and its end, explains what every caller
 * was told (Wing and Gong's search, with a memory of what was tried). A caller may be shown the project as it was
 * a little after its own write: the answer to a repeat shows what has come of it. So a call has two moments, that of
 * its effect and that of its view.
 */
export function explain(entries: readonly Entry[], placesAtMost = PLACES_AT_MOST): Verdict {
  return new Search(entries, placesAtMost).run();
}

const NOTHING = "0";
const EXPLAINED = "x";

interface Place {
  readonly state: Spec | undefined;
  /** For each call, in their order, how many effects it has had so far, of a claim with its token, or EXPLAINED. */
  readonly marks: readonly string[];
}

class Search {
  readonly #entries: readonly Entry[];
  readonly #placesAtMost: number;
  readonly #tried = new Set<string>();
  readonly #states = new Map<string, number>();
  #furthest = -1;
  #stuck: readonly Entry[] = [];
  #cut = false;

  constructor(entries: readonly Entry[], placesAtMost: number) {
    this.#entries = entries;
    this.#placesAtMost = placesAtMost;
  }

  run(): Verdict {
    const stack: Place[] = [{ state: undefined, marks: this.#entries.map(() => NOTHING) }];
    for (let place = stack.pop(); place && !this.#isFull(); place = stack.pop()) {
      if (this.#isEnd(place)) return { verdict: "linearizable" };
      if (this.#isKnown(place)) continue;
      const open = this.#open(place);
      this.#note(place, open);
      if (this.#isPast(place)) continue;
      // The last is tried first: what is known to have ended, before what may never have taken effect.
      const isTold = (i: number) => this.#entries[i]?.told !== undefined;
      const [unknown, told] = [open.filter((i) => !isTold(i)), open.filter(isTold)];
      for (const i of [...unknown, ...told.reverse()]) stack.push(...this.#next(place, i));
    }
    if (this.#cut || this.#isFull()) return { verdict: "undecided", tried: this.#tried.size };
    return { verdict: "not_linearizable", furthest: this.#furthest, stuck: this.#stuck };
  }

  #isFull(): boolean {
    return this.#tried.size >= this.#placesAtMost;
  }

  #isEnd({ marks }: Place): boolean {
    return this.#entries.every((entry, i) => !entry.told || marks[i] === EXPLAINED);
  }

  #isKnown({ state, marks }: Place): boolean {
    const text = state ? JSON.stringify(state) : "";
    const id = this.#states.get(text) ?? this.#states.size;
    this.#states.set(text, id);
    const key = `${marks.join(" ")} ${id}`;
    if (this.#tried.has(key)) return true;
    this.#tried.add(key);
    return false;
  }

  /** The calls that may be next: begun before the first that is still open ended. */
  #open({ marks }: Place): number[] {
    let firstEnd = Number.POSITIVE_INFINITY;
    for (const [i, entry] of this.#entries.entries())
      if (marks[i] !== EXPLAINED && entry.told) firstEnd = Math.min(firstEnd, entry.told.at);
    return this.#entries.flatMap((entry, i) =>
      marks[i] !== EXPLAINED && entry.invokedAt < firstEnd ? [i] : [],
    );
  }

  /**
   * The revision only grows while a project lives, the token over all its lives: no reader can be shown any more what
   * was before. (A lease owner can: what it knows of its own write.)
   */
  #isPast({ state, marks }: Place): boolean {
    if (!state) return false;
    const open = this.#entries.filter((_, i) => marks[i] !== EXPLAINED);
    const lastLife = !open.some(({ call }) => call.do === "create" || call.do === "delete");
    return open.some(({ call, told }) => {
      if (!told?.view || call.do === "report") return false;
      const { token, revision } = told.view;
      return token < state.token || ((lastLife || token === state.token) && revision < state.revision);
    });
  }

  #next(place: Place, i: number): Place[] {
    const entry = this.#entries[i];
    if (!entry) return [];
    const [effects = 0, token] = (place.marks[i] ?? NOTHING).split("/").map(Number);
    if (effects > 0) {
      if (isOverLater(entry, place.state, token)) return [marked(place, i, place.state, EXPLAINED)];
      if (!isUndone(entry, place.state)) return [];
      if (effects >= EFFECTS_AT_MOST) {
        this.#cut = true;
        return [];
      }
    }
    const now = this.#withoutGivenUp(place, i, entry);
    return outcomes(place.state, entry.call).flatMap((outcome) => this.#step(now, i, entry, outcome));
  }

  #step(place: Place, i: number, entry: Entry, outcome: Outcome): Place[] {
    const { told, call } = entry;
    const effects = Number.parseInt(place.marks[i] ?? NOTHING, 10) + 1;
    // Of a call whose end is unknown only an effect matters; without one it need not have happened.
    if (!told) {
      const mark = call.do === "record" ? `${effects}` : EXPLAINED;
      return outcome.state === place.state ? [] : [marked(place, i, outcome.state, mark)];
    }
    if (outcome.answer !== told.answer && outcome.state === place.state) return [];
    const shown = outcome.before === true || isShown(entry, outcome.state);
    const open = call.do === "claim" ? `${effects}/${outcome.state?.token}` : `${effects}`;
    return [marked(place, i, outcome.state, outcome.answer === told.answer && shown ? EXPLAINED : open)];
  }

  /**
   * A writer that has given up decides nothing any more: if what it wrote was there then, it is not written again. (If it was
   * undone, what was sent to write it again may still arrive.) `i` is about to be next.
   */
  #withoutGivenUp(place: Place, i: number, next: Entry): Place {
    const { marks, state } = place;
    const isWaiting = (mark: string, j: number) =>
      j !== i && mark !== NOTHING && mark !== EXPLAINED && this.#entries[j]?.gaveUpAt !== undefined;
    if (!marks.some(isWaiting)) return place;
    const begun = this.#entries.filter((_, j) => marks[j] !== NOTHING).map(({ invokedAt }) => invokedAt);
    const now = Math.max(next.invokedAt, ...begun);
    const isOver = (mark: string, j: number) => {
      const entry = this.#entries[j];
      return (
        entry?.gaveUpAt !== undefined && isWaiting(mark, j) && entry.gaveUpAt < now && !isUndone(entry, state)
      );
    };
    return { state, marks: marks.map((mark, j) => (isOver(mark, j) ? EXPLAINED : mark)) };
  }

  #note(place: Place, open: readonly number[]): void {
    const explained = place.marks.filter((mark) => mark === EXPLAINED).length;
    if (explained <= this.#furthest) return;
    this.#furthest = explained;
    this.#stuck = open.flatMap((i) => this.#entries[i] ?? []);
  }
}

function marked(place: Place, i: number, state: Spec | undefined, mark: string): Place {
  return { state, marks: place.marks.with(i, mark) };
}
