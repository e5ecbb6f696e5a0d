import type { KeyboardEvent } from "react";

/**
 * Whether a key belongs to an input method, such as the Enter that takes over Chinese characters. Safari says so by the key
 * code alone, as it tells of the key after the composition has ended.
 */
export function isForInputMethod({ nativeEvent, keyCode }: KeyboardEvent): boolean {
  return nativeEvent.isComposing || keyCode === 229;
}
