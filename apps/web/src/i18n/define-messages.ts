export const LANGS = ["en", "zh"] as const;
export type Lang = (typeof LANGS)[number];

/** A text, or how to make one from values. */
type Message = string | ((...values: never[]) => string);

/** Texts by their names; those with values take the same values in every language. */
type Texts<E> = { readonly [K in keyof E]: E[K] extends string ? string : E[K] };

/** Texts of a feature in every language. `(typeof messages)["en"]` is the type of all of them in one. */
export type Messages<T> = Readonly<Record<Lang, T>>;

/** A text that is missing in a language does not compile. */
export function defineMessages<const E extends Record<string, Message>>(messages: {
  readonly en: E;
  readonly zh: Texts<NoInfer<E>>;
}): Messages<Texts<E>>;
export function defineMessages(messages: Messages<Record<string, Message>>) {
  return messages;
}
