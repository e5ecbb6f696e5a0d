import { CliError, EXIT } from "../exit.ts";
import { Child, type ChildOptions, type Ended } from "./child.ts";

export interface KeeperOptions extends ChildOptions {
  /** What it is called, in sentences. */
  readonly name: string;
  /** Called when it is started again, with the reason. */
  readonly onRestart: (text: string) => void;
  /** Before the first restart; it doubles with each death in a row. Milliseconds. */
  readonly firstPauseMs?: number;
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;
/** A process that lived longer than this is not said to die again and again. */
const RAPID_MS = 30_000;
const RAPID_DEATHS = 5;

/** Keeps a program running: started again when it dies, given up loudly when it dies again and again. */
export class Keeper {
  /** Rejects with a CliError when the program is given up; stays pending otherwise. */
  readonly lost: Promise<never>;
  readonly #options: KeeperOptions;
  #child: Child | undefined;
  #stopping = false;
  #env: Readonly<Record<string, string | undefined>>;
  #wake: (() => void) | undefined;
  #giveUp: (error: CliError) => void = () => undefined;

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#env = options.env;
    this.lost = new Promise((_resolve, reject) => {
      this.#giveUp = reject;
    });
    // Whoever waits for it hears of it; nobody has to.
    this.lost.catch(() => undefined);
  }

  get name(): string {
    return this.#options.name;
  }

  /** Its process now; undefined between two. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Resolves when it is ready. Errors: a CliError with its last words and exit code when it ends before. */
  async start(): Promise<{ readonly url?: string }> {
    const child = this.#spawn();
    const first = await Promise.race([child.ready, child.ended.then((ended) => ({ ended }))]);
    if ("ended" in first) throw startError(this.name, first.ended);
    // After a restart it must be found where it was.
    if (first.url !== undefined) this.#env = { ...this.#env, STAGEFOLD_PORT: new URL(first.url).port };
    void this.#keep(child, Date.now());
    return first;
  }

  /** Ends it in order. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#wake?.();
    await this.#child?.stop();
  }

  /** Ends it at once. */
  kill(): void {
    this.#stopping = true;
    this.#wake?.();
    this.#child?.kill();
  }

  #spawn(): Child {
    this.#child = new Child({ ...this.#options, env: this.#env });
    return this.#child;
  }

  async #keep(firstChild: Child, startedMs: number): Promise<void> {
    let child = firstChild;
    let started = startedMs;
    const first = this.#options.firstPauseMs ?? FIRST_PAUSE_MS;
    for (let deaths = 1; ; deaths++) {
      const ended = await child.ended;
      if (this.#stopping) return;
      if (Date.now() - started > RAPID_MS) deaths = 1;
      if (deaths > RAPID_DEATHS) return this.#giveUp(lostError(this.name, ended, deaths));
      this.#options.onRestart(`the ${this.name} ${howItEnded(ended)}; starting it again`);
      await this.#pause(Math.min(LONGEST_PAUSE_MS, first * 2 ** (deaths - 1)));
      if (this.#stopping) return;
      started = Date.now();
      child = this.#spawn();
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function howItEnded({ code, signal, said }: Ended): string {
  const how = signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
  return said === undefined ? how : `${how} (${said})`;
}

function startError(name: string, ended: Ended): CliError {
  const code = ended.code === EXIT.usage ? EXIT.usage : EXIT.failed;
  return new CliError(ended.said ?? `the ${name} ${howItEnded(ended)} before it was ready`, code);
}

function lostError(name: string, ended: Ended, deaths: number): CliError {
  return new CliError(
    `the ${name} died ${deaths} times in a row and is not started any more: the last time it ${howItEnded(ended)}`,
    EXIT.failed,
  );
}
