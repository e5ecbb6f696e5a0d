import type { Logger } from "pino";
import type { ContextDeps } from "../context.ts";
import type { Metrics } from "./metrics.ts";

/** What an API is made of. The program that starts it chooses the adapters. */
export interface ApiDeps extends ContextDeps {
  /** Nothing is logged without one. */
  readonly log?: Logger;
  /** Its own, without figures of the process, when none are given. */
  readonly metrics?: Metrics;
  /** Whether webhooks may post to this machine and private networks; unless said, where no caller is asked who it is. */
  readonly privateWebhooks?: boolean | undefined;
  /** Whether programs that download an artifact are sent to an address of the store, where it has such. */
  readonly linkDownloads?: boolean | undefined;
  /** The folder of the built dashboard. Without one the pages say that there is none. */
  readonly pageDir?: string;
}
