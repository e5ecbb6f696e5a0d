/** What stands in the place of a secret. */
const MASKED = "***";
/** Characters of a line of a secret from which on it is masked by itself: shorter ones would mask ordinary text. */
const MIN_LINE = 4;
const BASE64 = "A-Za-z0-9+/_-";
const ENDS_IN_BASE64 = new RegExp(`[${BASE64}]$`);

/**
 * Takes secrets out of texts: as they are and as programs usually write them (JSON, base64 at any position, hex, URLs,
 * shell quotes, backwards), each line of a secret of several lines too. A secret that is written in another way is not
 * found.
 */
export class SecretMask {
  readonly #pattern: RegExp | undefined;
  /** What is held at the end of a text while it may become a secret. */
  readonly #held: readonly string[];
  readonly #longest: number;

  constructor(secrets: Iterable<string>) {
    const all = [...secrets].flatMap(textsOf);
    const plain = sorted(all.flatMap(formsOf));
    const base64 = sorted(all.flatMap(base64Of));
    // One character more of what is in base64: which it is depends on the secret's last byte too.
    this.#held = [...plain, ...base64.map((form) => `${form}?`)];
    this.#longest = Math.max(0, ...this.#held.map(({ length }) => length));
    const either = (forms: readonly string[]) => (forms.length === 0 ? "(?!)" : forms.map(escaped).join("|"));
    this.#pattern =
      plain.length === 0
        ? undefined
        : new RegExp(`(${either(base64)})[${BASE64}]?={0,2}|${either(plain)}`, "g");
  }

  /** Whether there is nothing to hide. */
  get isEmpty(): boolean {
    return this.#pattern === undefined;
  }

  text(text: string): string {
    if (this.#pattern === undefined) return text;
    let masked = "";
    let from = 0;
    for (const { 0: found, 1: base64, index } of text.matchAll(this.#pattern)) {
      const before = text.slice(from, index);
      // The character before it may have bits of the secret's first byte.
      masked += (base64 === undefined ? before : before.replace(ENDS_IN_BASE64, "")) + MASKED;
      from = index + found.length;
    }
    return from === 0 ? text : masked + text.slice(from);
  }

  /** The same in every text and name of a JSON value. */
  value<T>(value: T): T;
  value(value: unknown): unknown {
    if (this.#pattern === undefined) return value;
    if (typeof value === "string") return this.text(value);
    if (typeof value === "number") {
      const text = String(value);
      return this.text(text) === text ? value : MASKED;
    }
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map((inner: unknown) => this.value(inner));
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [this.text(name), this.value(inner)]),
    );
  }

  /**
   * Where the end of a text begins that may be the beginning of a secret; the text's length when it is none. No secret
   * stands on both sides of it.
   */
  heldFrom(text: string): number {
    if (this.#pattern === undefined) return text.length;
    const held = this.#begunFrom(text);
    for (const { 0: found, index } of text.matchAll(this.#pattern))
      if (index < held && held < index + found.length) return index;
    return held;
  }

  #begunFrom(text: string): number {
    for (let from = Math.max(0, text.length - this.#longest + 1); from < text.length; from++) {
      const end = text.slice(from);
      if (this.#held.some((form) => form.length > end.length && form.startsWith(end))) return from;
    }
    return text.length;
  }
}

/** A secret, and each line of one of several lines. */
function textsOf(secret: string): string[] {
  const lines = secret.split(/\r?\n/).map((line) => line.trim());
  return [secret, secret.trim(), ...(lines.length > 1 ? lines : [])];
}

function formsOf(text: string): string[] {
  const hex = Buffer.from(text).toString("hex");
  return [
    text,
    JSON.stringify(text).slice(1, -1),
    encodeURIComponent(text.toWellFormed()),
    text.replaceAll("'", `'\\''`),
    [...text].reverse().join(""),
    hex,
    hex.toUpperCase(),
  ];
}

function base64Of(text: string): string[] {
  const forms = [0, 1, 2].flatMap((offset) => base64At(Buffer.from(text), offset));
  return [...forms, ...forms.map((form) => form.replaceAll("+", "-").replaceAll("/", "_"))];
}

/** Each once, the longest first: it goes before those that it begins with. */
function sorted(forms: readonly string[]): string[] {
  return [...new Set(forms.filter(({ length }) => length >= MIN_LINE))].sort((a, b) => b.length - a.length);
}

/** What is the same of the base64 of any text in which the bytes stand at this position, modulo three. */
function base64At(bytes: Buffer, offset: number): string[] {
  const padded = Buffer.concat([Buffer.alloc(offset), bytes]);
  const whole = padded.toString("base64").replace(/=+$/, "");
  // The first characters also depend on what comes before, the last one on what follows.
  const from = [0, 2, 3][offset] ?? 0;
  const to = padded.length % 3 === 0 ? whole.length : whole.length - 1;
  const inner = whole.slice(from, to);
  return inner.length >= 2 * MIN_LINE ? [inner] : [];
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
