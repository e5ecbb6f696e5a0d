import type { SelfTest, Texts } from "../documents.ts";

/** Words by which a requirement asks for something. `calculat*` also finds "calculator"; Chinese words match anywhere, and `生成*报告` allows a few characters between. */
export interface Keywords {
  readonly en: readonly string[];
  readonly zh: readonly string[];
}

/** Something that can be asked for. `slug` becomes part of a name, so it is short; empty for what only says how. */
export interface Capability {
  readonly key: string;
  readonly slug: string;
  readonly name: Texts;
  readonly keywords: Keywords;
}

/** A capability that the catalogue has a tool for; the tool's source is `assets/tools/<key>.mjs`. */
export interface CatalogueEntry extends Capability {
  readonly summary: Texts;
  /** Capabilities without a tool of their own that this one takes care of as well. */
  readonly covers: readonly string[];
  /** Tools whose modules this one imports. */
  readonly needs: readonly string[];
  /** Secrets that it reads, by the names that its module exports. */
  readonly secrets?: readonly string[];
  /** Inputs that people can try. */
  readonly input: readonly string[];
  readonly output: string;
  /** When plain input goes to this tool. */
  readonly rule: string;
  readonly errors: readonly string[];
  readonly cases: readonly Omit<SelfTest, "tool">[];
}
