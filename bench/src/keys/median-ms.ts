import { type Agent, type OutgoingHttpHeaders, request } from "node:http";
import { figureOf } from "../measure/figure.ts";

/** How long an answer takes, in the middle of so many requests, one after the other. */
export async function medianMs(
  url: string,
  requests: number,
  agent: Agent,
  headers: OutgoingHttpHeaders = {},
): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < requests; i++) {
    const from = performance.now();
    await get(url, agent, headers);
    times.push(performance.now() - from);
  }
  return figureOf(times).median;
}

function get(url: string, agent: Agent, headers: OutgoingHttpHeaders): Promise<void> {
  return new Promise((resolve, reject) => {
    request(url, { agent, headers }, (answer) => {
      if (answer.statusCode !== 200)
        reject(new Error(`expected 200 from ${url}, found ${answer.statusCode}`));
      answer.on("error", reject);
      answer.on("end", () => resolve());
      answer.resume();
    })
      .on("error", reject)
      .end();
  });
}
