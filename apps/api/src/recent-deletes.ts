const AT_MOST = 1000;

/** A deleted project keeps no record of the operation: this process remembers, so that a repeat is harmless. */
export class RecentDeletes {
  readonly #done = new Map<string, string>();

  done(operationId: string, projectId: string): void {
    this.#done.set(operationId, projectId);
    const oldest = this.#done.keys().next();
    if (this.#done.size > AT_MOST && !oldest.done) this.#done.delete(oldest.value);
  }

  has(operationId: string, projectId: string): boolean {
    return this.#done.get(operationId) === projectId;
  }
}
