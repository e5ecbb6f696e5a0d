/** What every process of an attempt has in its environment, unless it was given another one. */
export function tagsOf(job: { project: { project_id: string }; stage: string; attempt: number }): string[] {
  return [
    `STAGEFOLD_PROJECT_ID=${job.project.project_id}`,
    `STAGEFOLD_STAGE=${job.stage}`,
    `STAGEFOLD_ATTEMPT=${job.attempt}`,
  ];
}

/** More than the names of any attempt. */
const BYTES = 1024;

/** The tags of the stage that runs, where another thread finds them without being woken for each stage. */
export class SharedTags {
  readonly memory: SharedArrayBuffer;
  readonly #length: Int32Array;
  readonly #text: Uint8Array;

  /** `memory` is that of another thread's. */
  constructor(memory = new SharedArrayBuffer(BYTES)) {
    this.memory = memory;
    this.#length = new Int32Array(memory, 0, 1);
    this.#text = new Uint8Array(memory, 4);
  }

  write(tags: readonly string[]): void {
    const bytes = new TextEncoder().encode(tags.join("\n"));
    // Nobody finds one half of the old and one half of the new.
    Atomics.store(this.#length, 0, 0);
    this.#text.set(bytes);
    Atomics.store(this.#length, 0, bytes.length);
  }

  read(): string[] {
    const length = Atomics.load(this.#length, 0);
    return length === 0 ? [] : new TextDecoder().decode(this.#text.slice(0, length)).split("\n");
  }
}
