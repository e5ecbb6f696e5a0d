/** Classes of the way up, at the top of a page: with a chevron before its name. */
export const BACK =
  "-ml-1 inline-flex items-center gap-0.5 justify-self-start rounded text-ink-3 text-sm hover:text-ink max-sm:-mt-3 max-sm:min-h-11 max-sm:pr-3";
