/** A short message in a corner of the page. */
export interface ToastMessage {
  readonly title: string;
  readonly description?: string | undefined;
  readonly failed: boolean;
}

type Receiver = (message: ToastMessage) => unknown;

let receiver: Receiver | undefined;
/** Said before there was a place to show them: that is loaded after the page. */
const early: ToastMessage[] = [];

function send(message: ToastMessage): void {
  if (receiver) receiver(message);
  else early.push(message);
}

/** `toast.say("Copied")`, `toast.fail("Could not pause", reason)`. */
export const toast = {
  say: (title: string, description?: string) => send({ title, description, failed: false }),
  fail: (title: string, description?: string) => send({ title, description, failed: true }),
};

/** To be called by the place that shows them; what it returns ends it. */
export function receiveToasts(receive: Receiver): () => void {
  receiver = receive;
  for (const message of early.splice(0)) receive(message);
  return () => {
    receiver = undefined;
  };
}
