/** Prints what happens, with the seconds since it began. */
export class Timeline {
  #from = performance.now();

  /** @param {string} text */
  say(text) {
    const seconds = ((performance.now() - this.#from) / 1000).toFixed(1);
    print(`${seconds.padStart(7)} s  ${text}`);
  }

  /** @param {string} text */
  heading(text) {
    print(`\n${text}`.trimEnd());
  }

  /** @param {string} text */
  line(text) {
    print(`           ${text}`);
  }
}

/** @param {string} text */
function print(text) {
  process.stdout.write(`${text}\n`);
}
