import { useEffect } from "react";
import { isOneOf } from "./one-of.ts";
import { preference, usePreference } from "./preference.ts";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const themePreference = preference<Theme>("theme", isOneOf(THEMES), () => "system");

export function useTheme(): Theme {
  return usePreference(themePreference);
}

export function setTheme(theme: Theme): void {
  themePreference.set(theme);
}

/** Marks the document, as first.js does before the page is there. */
export function useDocumentTheme(): void {
  const theme = useTheme();
  useEffect(() => {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  }, [theme]);
}
