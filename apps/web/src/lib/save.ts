/** Hands the reader a file made in the page. */
export function saveBlob(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = fileName(name);
  link.click();
  // The browser has taken hold of it by then.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced
const NOT_IN_NAMES = /[\u0000-\u001f<>:"/\\|?*\u007f]+/g;

/** A name that every file system takes. */
export function fileName(name: string): string {
  return name.replace(NOT_IN_NAMES, "-").replace(/^[.\s-]+|[.\s-]+$/g, "") || "download";
}
