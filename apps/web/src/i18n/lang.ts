import { useEffect } from "react";
import { isOneOf } from "../lib/one-of.ts";
import { preference, usePreference } from "../lib/preference.ts";
import { LANGS, type Lang, type Messages } from "./define-messages.ts";

const langPreference = preference("lang", isOneOf(LANGS), () =>
  navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en",
);

/** The reader's language. */
export function useLang(): Lang {
  return usePreference(langPreference);
}

export function setLang(lang: Lang): void {
  langPreference.set(lang);
}

/** Marks the document with the language, for screen readers and line breaking. */
export function useDocumentLang(): void {
  const lang = useLang();
  useEffect(() => {
    document.documentElement.lang = lang === "zh" ? "zh-CN" : "en";
  }, [lang]);
}

/** The texts of a feature in the reader's language: `const t = useMessages(messages)`, then `t.title`, `t.selected(3)`. */
export function useMessages<T>(messages: Messages<T>): T {
  return messages[useLang()];
}
