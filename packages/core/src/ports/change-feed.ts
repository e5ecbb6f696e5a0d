import type { Item } from "../patch/index.ts";

/** One change of a list: the row as the list indexes have it now and its `revision`, or the id of a deleted project. */
export type RowChange =
  | { readonly kind: "changed"; readonly row: Item }
  | { readonly kind: "deleted"; readonly project_id: string };

/** Ends a subscription. Calling it twice is harmless. */
export type Unsubscribe = () => void;

/**
 * What changes, by whichever process. A feed may skip states in between; the newest state always arrives. It costs
 * nothing without subscribers. A read that fails is reported to the feed's `onError` and tried again with back-off:
 * it never ends a subscription.
 */
export interface ChangeFeed {
  /** Each later state of one project, undefined once it is deleted. The first call may repeat the present state. */
  watchProject(projectId: string, listener: (item: Item | undefined) => void): Unsubscribe;
  /** The rows of all lists that changed since the subscription began, several changes at a time. */
  watchRows(listener: (changes: readonly RowChange[]) => void): Unsubscribe;
  /** It asks for the newest rows of each state alone: `watchRows` does not tell of every change of older ones. */
  readonly isPartial?: boolean;
  /**
   * Called soon after a project becomes claimable by a write of any process. A feed that cannot tell at no cost never
   * calls: workers scan their queues anyway.
   */
  watchWork(listener: () => void): Unsubscribe;
}
