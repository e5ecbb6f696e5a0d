import { createClient } from "@stagefold/client";
import { Cleanup } from "../measure/cleanup.ts";
import { newDataDir } from "../measure/engine.ts";
import { type Figure, figureOf } from "../measure/figure.ts";
import { startApp } from "../measure/worker-process.ts";
import { putEndedProjects } from "../workload/many.ts";
import { type Measurement, say } from "./measurement.ts";

const FEW = 1000;
const PAGE = 50;

/** The first page of a list, and the figures of a month, with few projects and with many. */
export const manyProjects: Measurement = {
  keys: ["list_100k", "stats_100k", "text_search_100k"],
  async run({ short }) {
    await using cleanup = new Cleanup();
    const from = performance.now();
    const few = await newDataDir(cleanup);
    await putEndedProjects(few, FEW);
    const all = short ? 5000 : 100_000;
    const many = await newDataDir(cleanup);
    await putEndedProjects(many, all);
    say(`${all} projects are there after ${((performance.now() - from) / 1000).toFixed(0)} s`);
    const stats: number[] = [];
    const texts: number[] = [];
    for (let round = 0; round < (short ? 1 : 3); round++) {
      stats.push(await statsMs(many));
      texts.push(await textMs(many));
    }
    return {
      list_100k: await compareLists(few, many, short ? 3 : 9),
      stats_100k: figureOf(stats),
      text_search_100k: figureOf(texts),
    };
  },
};

/** Rounds of first pages of both, in turn. */
async function compareLists(few: string, many: string, rounds: number): Promise<Figure> {
  await using fewApi = await startApp("api", { dataDir: few });
  await using manyApi = await startApp("api", { dataDir: many });
  const ratios: number[] = [];
  // The first round warms up.
  for (let round = 0; round <= rounds; round++) {
    const ratio = (await listMs(manyApi.url)) / (await listMs(fewApi.url));
    if (round > 0) ratios.push(ratio);
  }
  return figureOf(ratios);
}

/** The median time of some first pages. */
async function listMs(url = ""): Promise<number> {
  const client = createClient({ url });
  const pages: number[] = [];
  for (let i = 0; i < 30; i++) {
    const from = performance.now();
    const { items } = await client.projects.list({ limit: PAGE });
    pages.push(performance.now() - from);
    if (items.length !== PAGE) throw new Error(`expected ${PAGE} projects, found ${items.length}`);
  }
  return figureOf(pages).median;
}

/** By an API that has not been asked before: it remembers what it has added up. */
async function statsMs(dataDir: string): Promise<number> {
  await using api = await startApp("api", { dataDir });
  const client = createClient({ url: api.url ?? "" });
  // Whatever the first request of a process costs is not what is asked here.
  await client.projects.list({ limit: 1 });
  const from = performance.now();
  const { all } = await client.stats.builds({ days: 30 });
  const ms = performance.now() - from;
  if (all.total === 0) throw new Error("expected builds within the last 30 days, found none");
  return ms;
}

/** A text that no project has: nothing ends the search before it has looked at all of them. */
async function textMs(dataDir: string): Promise<number> {
  await using api = await startApp("api", { dataDir });
  const client = createClient({ url: api.url ?? "" });
  await client.projects.list({ limit: 1 });
  const from = performance.now();
  for (let cursor: string | undefined; ; ) {
    const page = await client.projects.list({ text: "no such words", limit: PAGE, cursor });
    if (page.items.length > 0) throw new Error("expected no project with this text");
    if (page.next_cursor === null) return performance.now() - from;
    cursor = page.next_cursor;
  }
}
