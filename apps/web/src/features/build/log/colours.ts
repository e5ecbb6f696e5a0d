import { type Color, createColorPalette } from "ansi-sequence-parser";

/** What logs are written on, in either theme: programs choose their colours for a dark terminal. */
export const PAPER = "#0d1117";

/** The sixteen names, each legible on the paper. */
const palette = createColorPalette({
  black: "#8b949e",
  red: "#ff7b72",
  green: "#56d364",
  yellow: "#e3b341",
  blue: "#79c0ff",
  magenta: "#d2a8ff",
  cyan: "#56d4dd",
  white: "#d0d7de",
  brightBlack: "#9198a1",
  brightRed: "#ffa198",
  brightGreen: "#7ee787",
  brightYellow: "#f2cc60",
  brightBlue: "#a5d6ff",
  brightMagenta: "#e2c5ff",
  brightCyan: "#76e3ea",
  brightWhite: "#ffffff",
});

/** `#rrggbb`, or undefined where the log says none, or one that does not exist. */
export function colourOf(colour: Color | null): string | undefined {
  return colour === null ? undefined : palette.value(colour);
}

/** What WCAG asks of text, AA. */
const CONTRAST = 4.5;
const STEPS = [0, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9, 1];
const known = new Map<string, string>();

/** The colour, moved towards white or black as far as it takes to be read on the background. */
export function legible(colour: string, background: string): string {
  const key = colour + background;
  const found = known.get(key) ?? moved(colour, background);
  // A log may have any number of colours.
  if (known.size > 5000) known.clear();
  known.set(key, found);
  return found;
}

function moved(colour: string, background: string): string {
  const paper = partsOf(background);
  const light = luminance(paper);
  const goal = 1.05 / (light + 0.05) >= (light + 0.05) / 0.05 ? 255 : 0;
  const ink = partsOf(colour);
  const step = STEPS.find((share) => contrast(luminance(mixed(ink, goal, share)), light) >= CONTRAST) ?? 1;
  return `#${mixed(ink, goal, step)
    .map((part) => part.toString(16).padStart(2, "0"))
    .join("")}`;
}

/** The contrast of two luminances, 1 … 21, as WCAG 2 defines it. */
function contrast(a: number, b: number): number {
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}

function mixed(ink: readonly number[], goal: number, share: number): number[] {
  return ink.map((part) => Math.round(part + (goal - part) * share));
}

function partsOf(colour: string): number[] {
  return [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
}

/** Relative luminance, 0 … 1, as WCAG 2 defines it. */
function luminance(parts: readonly number[]): number {
  const [r = 0, g = 0, b = 0] = parts.map((part) => {
    const value = part / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
