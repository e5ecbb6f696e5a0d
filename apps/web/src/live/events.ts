import type { Outputs } from "../lib/trpc.ts";

type Emitted = Outputs["projects"]["watchMany"] extends AsyncIterable<infer Event> ? Event : never;

/** One event of the stream; its id is where a later stream goes on. */
export type Tracked = Extract<Emitted, { data: unknown }>;
/** What the page hears of: a change of the list, or the newest state of a project that a tab looks at. */
export type LiveChange = Tracked["data"];

/** `connecting` is before there ever was a connection. */
export type Connection = "connecting" | "online" | "lost";

export type LiveEvent =
  | { readonly kind: "change"; readonly change: LiveChange }
  | { readonly kind: "connection"; readonly connection: Connection };
