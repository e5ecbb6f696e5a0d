import { expect, it } from "vitest";
import type { Project } from "../../../lib/api.ts";
import { happeningsOf } from "./happenings.ts";

const at = (second: number) => new Date(Date.parse("2026-01-01T00:00:00.000Z") + second * 1000).toISOString();

const project = {
  project_id: "proj_000000000001",
  created_at: at(0),
  created_by: "key:ci",
  completed_at: at(30),
  status: "completed",
  control: { op: "retry x", at: at(10), by: "user:ada" },
  stages_snapshot: {
    stages: [
      {
        stage: "one",
        status: "completed",
        attempt: 2,
        started_at: at(11),
        completed_at: at(15),
        definition: "b",
        error_message: null,
        output_data: {},
        history: [
          {
            attempt: 1,
            status: "failed",
            code: "STAGE_FAILED",
            definition: "a",
            started_at: at(1),
            completed_at: at(4),
          },
        ],
      },
      {
        stage: "review",
        status: "completed",
        attempt: 1,
        started_at: at(15),
        completed_at: at(30),
        error_message: null,
        output_data: { answer: { ok: true }, by: "user:grace", at: at(30) },
        history: [],
      },
    ],
  },
} as unknown as Project;

it("shows the build's own user by name, and says once that it was created", () => {
  const named = { ...project, created_by: "user:ada", user_id: "ada", user_name: "Ada L." };
  const row = { at: at(0), by: "user:ada", role: "member", procedure: "projects.create", result: "ok" };
  const happenings = happeningsOf(named, [{ ...row, project_id: project.project_id }]);
  expect(happenings.filter(({ at: time }) => time <= at(0))).toEqual([
    { kind: "created", at: at(0), by: "Ada L." },
  ]);
  expect(happenings).toContainEqual({ kind: "command", at: at(10), command: "retry", by: "Ada L." });
});

it("has who did what to a build and when, each attempt with the definition that it ran, the newest first", () => {
  expect(happeningsOf(project, [])).toMatchObject([
    { kind: "ended", status: "completed", at: at(30) },
    { kind: "answered", stage: "review", by: "user:grace", at: at(30) },
    { kind: "attempt", stage: "review", attempt: 1, seconds: undefined },
    { kind: "attempt", stage: "one", attempt: 2, status: "completed", seconds: 4, definition: "b" },
    { kind: "command", command: "retry", by: "user:ada" },
    { kind: "attempt", stage: "one", attempt: 1, code: "STAGE_FAILED", seconds: 3, definition: "a" },
    { kind: "created", by: "key:ci" },
  ]);
});

it("has the requests of the audit about this build, in the place of the command that they tell more of", () => {
  const row = { at: at(10), by: "user:ada", role: "member", procedure: "projects.retry", result: "ok" };
  const mine = { ...row, project_id: project.project_id };
  const refused = {
    ...mine,
    at: at(20),
    by: "key:reader",
    procedure: "projects.delete",
    result: "FORBIDDEN",
  };
  const others = { ...row, project_id: "proj_000000000002" };
  const kinds = happeningsOf(project, [refused, mine, others]).map(({ kind }) => kind);
  expect(kinds.filter((kind) => kind === "request")).toHaveLength(2);
  expect(kinds).not.toContain("command");
});
