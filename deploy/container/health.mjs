// Whether the part that runs in this container answers: the API, or else the worker.
const { STAGEFOLD_PORT = "4000", STAGEFOLD_WORKER_PORT = "4001" } = process.env;

/** @param {string} port */
async function answers(port) {
  const signal = AbortSignal.timeout(4000);
  return await fetch(`http://127.0.0.1:${port}/healthz`, { signal }).then(
    ({ ok }) => ok,
    () => false,
  );
}

process.exitCode = (await answers(STAGEFOLD_PORT)) || (await answers(STAGEFOLD_WORKER_PORT)) ? 0 : 1;
