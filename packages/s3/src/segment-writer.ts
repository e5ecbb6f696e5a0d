/** Gathers the frames of one object of a sealed log. */
export class SegmentWriter {
  readonly #frames: Buffer[] = [];
  size = 0;
  first = 0;
  last = 0;

  get isEmpty(): boolean {
    return this.#frames.length === 0;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#frames);
  }

  add(frame: Buffer, seq: number): void {
    if (this.isEmpty) this.first = seq;
    this.last = seq;
    this.size += frame.length;
    this.#frames.push(frame);
  }
}
