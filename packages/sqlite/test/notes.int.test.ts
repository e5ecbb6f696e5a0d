import { expect, it } from "vitest";
import { connect } from "../src/driver.ts";
import { openSqlite } from "../src/index.ts";
import { aFolder } from "./folder.ts";
import { aNewProject } from "./projects.ts";

const found = async (sqlite: Awaited<ReturnType<typeof openSqlite>>, note: string) =>
  (await sqlite.projects.list({ note, limit: 10 })).items.map(({ project_id }) => project_id);

it("a file that was made before notes could be looked for has those of its builds from the next start on", async () => {
  await using folder = await aFolder();
  const item = aNewProject();
  const { stages_snapshot: snapshot, project_id } = item;
  const noted = {
    ...item,
    stages_snapshot: {
      ...Object(snapshot),
      stages: [
        { stage: "plan", notes: { verdict: "good", "a\0b": 1 } },
        { stage: "make", notes: { verdict: "good" } },
      ],
    },
  };
  const first = await openSqlite(folder.path);
  await first.projects.write({ kind: "put", transition: "create", project_id, guards: [], item: noted });
  await first.projects.write({
    ...{ kind: "put", transition: "create", guards: [] },
    ...{ project_id: "proj_000000000001", item: aNewProject({ project_id: "proj_000000000001" }) },
  });
  first.close();
  const connection = connect(`${folder.path}/stagefold.db`);
  connection.exec("DROP TABLE notes");
  connection.close();
  const second = await openSqlite(folder.path);
  expect(await found(second, "verdict=good")).toEqual([project_id]);
  expect(await found(second, "a\0b")).toEqual([project_id]);
  expect(await found(second, "verdict=bad")).toEqual([]);
  await second.projects.write({ kind: "delete", transition: "delete", project_id, guards: [] });
  expect(await found(second, "verdict")).toEqual([]);
  second.close();
});
