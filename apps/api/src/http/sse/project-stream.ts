import type { ServerResponse } from "node:http";
import type { Project } from "@stagefold/core";
import type { ErrorShape } from "../../routers/index.ts";
import type { ProjectReader } from "../../watch/index.ts";
import { CONNECTED, errorFrame, frameOf, PING } from "./encode.ts";
import type { Pinged } from "./keep-alive.ts";

/**
 * One who watches a project over an open answer. It keeps nothing but the newest state that its connection had no room
 * for: thousands of them cost little more than their sockets.
 */
export class ProjectStream implements ProjectReader, Pinged {
  readonly #answer: ServerResponse;
  readonly #shapeOf: (error: unknown) => ErrorShape;
  #full = false;
  #waiting: Project | undefined;

  constructor(answer: ServerResponse, shapeOf: (error: unknown) => ErrorShape) {
    this.#answer = answer;
    this.#shapeOf = shapeOf;
    // By themselves: as one text with the first event they would be kept in fifty pieces.
    answer.flushHeaders();
    this.#write(CONNECTED);
  }

  put(project: Project): void {
    if (this.#answer.writableEnded) return;
    if (this.#full) this.#waiting = project;
    else this.#write(frameOf(project));
  }

  /** The last event says what went wrong. What waits goes first. */
  fail(error: unknown): void {
    if (this.#answer.writableEnded) return;
    if (this.#waiting) this.#answer.write(frameOf(this.#waiting));
    this.#answer.end(errorFrame(this.#shapeOf(error)));
  }

  /** Not where bytes wait already: a reader that takes nothing is to be found out. */
  ping(): void {
    if (!this.#full && !this.#answer.writableEnded) this.#write(PING);
  }

  #write(event: string | Buffer): void {
    if (this.#answer.write(event)) return;
    this.#full = true;
    this.#answer.once("drain", () => this.#goOn());
  }

  #goOn(): void {
    this.#full = false;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting) this.put(waiting);
  }
}
