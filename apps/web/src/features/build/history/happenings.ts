import { attemptsOf, type FailureCode, type HistoryEntry } from "@stagefold/core";
import type { Outputs, Project, StageStatus } from "../../../lib/api.ts";
import { isGate } from "../timeline/bars.ts";

export type AuditRow = Outputs["audit"]["list"]["items"][number];

interface At {
  readonly at: string;
}

/** One thing that happened to a build. */
export type Happening =
  | (At & { readonly kind: "created"; readonly by: string | undefined })
  | (At & {
      readonly kind: "attempt";
      readonly stage: string;
      readonly attempt: number;
      readonly status: StageStatus;
      readonly seconds: number | undefined;
      readonly code: FailureCode | undefined;
      /** The digest of the pipeline's definition that it ran. */
      readonly definition: string | undefined;
    })
  | (At & { readonly kind: "answered"; readonly stage: string; readonly by: string | undefined })
  /** The last command, which the item keeps. */
  | (At & { readonly kind: "command"; readonly command: string; readonly by: string | undefined })
  /** A request that the audit has, whether it was granted or not. */
  | (At & { readonly kind: "request"; readonly row: AuditRow })
  | (At & { readonly kind: "ended"; readonly status: Project["status"] });

/** What the item and the audit know of a build, the newest first. `attemptsOf` of a stage may be more than its item has. */
export function happeningsOf(
  project: Project,
  audit: readonly AuditRow[],
  attempts: (stage: Project["stages_snapshot"]["stages"][number]) => readonly HistoryEntry[] = attemptsOf,
): Happening[] {
  const { created_at, created_by, user_name, user_id, control, completed_at, status } = project;
  // Who is the build's user is shown by name: ids of an identity provider say nothing to people.
  const nameOf = (by: string | undefined) => (by === `user:${user_id}` ? (user_name ?? by) : by);
  const requests = audit
    // That it was created, the item says.
    .filter(
      ({ project_id, procedure }) => project_id === project.project_id && procedure !== "projects.create",
    )
    .map((row): Happening => ({ kind: "request", at: row.at, row }));
  const stages = project.stages_snapshot.stages.flatMap((stage): Happening[] => {
    const { by, at, answer } = stage.output_data;
    return [
      ...attempts(stage).flatMap((entry): Happening[] =>
        entry.started_at === undefined
          ? []
          : [
              {
                kind: "attempt",
                at: entry.started_at,
                stage: stage.stage,
                attempt: entry.attempt,
                status: entry.status,
                seconds: isGate(stage) ? undefined : secondsOf(entry),
                code: entry.code,
                definition: entry.definition,
              },
            ],
      ),
      ...(answer !== undefined && typeof at === "string"
        ? [
            {
              kind: "answered" as const,
              at,
              stage: stage.stage,
              by: nameOf(typeof by === "string" ? by : undefined),
            },
          ]
        : []),
    ];
  });
  const command = control?.op.split(" ", 1)[0] ?? "";
  // The audit tells more of the same: who, from where, in which role.
  const isTold = requests.some(
    ({ at }) => control && Math.abs(Date.parse(at) - Date.parse(control.at)) < SAME_MS,
  );
  const all: Happening[] = [
    { kind: "created", at: created_at, by: nameOf(created_by) ?? user_name ?? user_id },
    ...stages,
    ...requests,
    ...(control && command !== "answer" && !isTold
      ? [{ kind: "command" as const, at: control.at, command, by: nameOf(control.by) }]
      : []),
    ...(completed_at === undefined ? [] : [{ kind: "ended" as const, at: completed_at, status }]),
  ];
  // Of what has one time the later stage, and the end, come first.
  return all.reverse().sort((one, other) => (one.at < other.at ? 1 : one.at > other.at ? -1 : 0));
}

/** A row of the audit is written when its request is over. */
const SAME_MS = 2000;

function secondsOf({ started_at, completed_at }: HistoryEntry): number | undefined {
  if (started_at === undefined || completed_at === undefined) return undefined;
  return Math.max(0, (Date.parse(completed_at) - Date.parse(started_at)) / 1000);
}
