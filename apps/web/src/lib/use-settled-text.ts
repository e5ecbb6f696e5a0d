import { useEffect, useEffectEvent, useState } from "react";

const SETTLE_MS = 250;

/**
 * A text of the address that is typed into a field. It goes there once typing has paused, and the field follows the address
 * where that is changed by something else: the router is too late to be what a field shows.
 */
export function useSettledText(
  text: string,
  onSettled: (text: string) => void,
): readonly [typed: string, type: (text: string) => void] {
  const [typed, setTyped] = useState(text);
  // What the address said last, and what this field wrote there itself: another address sets the field.
  const [seen, setSeen] = useState(text);
  const [sent, setSent] = useState(text);
  if (text !== seen) {
    setSeen(text);
    if (text !== sent) {
      setSent(text);
      setTyped(text);
    }
  }
  const settle = useEffectEvent(() => {
    const wanted = typed.trim();
    if (wanted === text) return;
    setSent(wanted);
    onSettled(wanted);
  });
  useEffect(() => {
    const timer = setTimeout(() => settle(), typed === "" ? 0 : SETTLE_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  return [typed, setTyped];
}
