import { expect, it } from "vitest";
import { mapSeveral } from "./map-several.ts";

it("begins nothing after an error or an abort, and waits for what was begun", async () => {
  let done = 0;
  const work = async (n: number) => {
    await new Promise((resolve) => setTimeout(resolve, n === 0 ? 1 : 20));
    if (n === 0) throw new Error("first");
    done += 1;
  };
  const all = Array.from({ length: 50 }, (_, n) => n);
  await expect(mapSeveral(all, 4, undefined, work)).rejects.toThrow("first");
  expect(done).toBe(3);
  await mapSeveral(all, 4, AbortSignal.abort(), work);
  expect(done).toBe(3);
});
