/** Class names, without those that do not apply. */
export function cn(...names: (string | false | undefined)[]): string {
  return names.filter(Boolean).join(" ");
}
