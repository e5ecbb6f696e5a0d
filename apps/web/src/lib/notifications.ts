import { BASE } from "./base.ts";
import { isOneOf } from "./one-of.ts";
import { preference, usePreference } from "./preference.ts";

const wanted = preference("notifications", isOneOf(["on", "off"]), () => "off");

/** Whether this browser can notify at all, and the reader has not forbidden it for good. */
export function canNotify(): boolean {
  return "Notification" in window && Notification.permission !== "denied";
}

export function useNotifications(): boolean {
  return usePreference(wanted) === "on";
}

/** Asks the browser once, when the reader wants to be notified. Resolves with whether they are. */
export async function setNotifications(on: boolean): Promise<boolean> {
  const granted = on && canNotify() && (await Notification.requestPermission()) === "granted";
  wanted.set(granted ? "on" : "off");
  return granted;
}

/** Tells a reader who is elsewhere. A later one about the same thing takes the place of the earlier. */
export function notify(title: string, body: string, about: string): void {
  if (wanted.get() !== "on" || !canNotify() || document.visibilityState === "visible") return;
  try {
    const notification = new Notification(title, { body, tag: about, icon: `${BASE}/icon.svg` });
    notification.onclick = () => {
      window.focus();
      notification.close();
    };
  } catch (error) {
    // Chrome on Android allows it and cannot do it: the switch then says that they are off.
    if (!(error instanceof TypeError)) throw error;
    wanted.set("off");
  }
}
