import { type Agent, type OutgoingHttpHeaders, request } from "node:http";
import { figureOf } from "../measure/figure.ts";

/** What is asked, and with which headers. */
export interface Question {
  readonly url: string;
  readonly headers?: OutgoingHttpHeaders;
}

/** How long an answer takes, in the middle of so many requests, one after the other. */
export async function medianMs(url: string, requests: number, agent: Agent): Promise<number> {
  const [median = Number.NaN] = await mediansMs([{ url }], requests, agent);
  return median;
}

/** The same of several questions, asked in turn: what else the machine does meanwhile slows all of them alike. */
export async function mediansMs(
  questions: readonly Question[],
  requests: number,
  agent: Agent,
): Promise<number[]> {
  const times = questions.map((): number[] => []);
  for (let i = 0; i < requests; i++)
    for (const [n, { url, headers = {} }] of questions.entries()) {
      const from = performance.now();
      await get(url, agent, headers);
      times[n]?.push(performance.now() - from);
    }
  return times.map((all) => figureOf(all).median);
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
