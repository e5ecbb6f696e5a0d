type Subscribe = (listener: () => void) => () => void;

/** Tells its listeners of changes at once, and of more that follow within `ms` together. */
export function throttled(subscribe: Subscribe, ms: number): Subscribe {
  return (listener) => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let missed = false;
    const notify = () => {
      missed = false;
      timer = setTimeout(again, ms);
      listener();
    };
    const again = () => {
      timer = undefined;
      if (missed) notify();
    };
    const leave = subscribe(() => {
      if (timer === undefined) notify();
      else missed = true;
    });
    return () => {
      clearTimeout(timer);
      leave();
    };
  };
}
