import { LIMITS, type Project, type Stage, withContents, withStages } from "@stagefold/core";
import type { ArtifactRow, Reason, Row, StageRow } from "../rows/row.ts";
import { addArtifacts, type NewArtifact } from "./artifacts.ts";
import { type Place, placeOf } from "./place.ts";
import { fillPart, fillStage, stageOfRow } from "./stages.ts";

/** What becomes of rows that have no place. */
export interface Rules {
  /** `create`: rows of a project that is nowhere make one. */
  readonly orphans: "wait" | "create";
  /** `append`: an artifact of a stage that its project lacks makes that stage. */
  readonly unknownStage: "wait" | "append";
}

/** What became of one row. Without a reason it was merged. */
export interface Outcome {
  readonly row: Row;
  readonly reason?: Reason;
  readonly detail?: string;
}

/** The whole of a stage, from the stores too, as `Imports.inflate` gives it. */
export type Unfold = (project: Project, position: number) => Promise<Project>;

/**
 * The project with what these rows add to it: `project` is the one given where they add nothing. Stage rows go first,
 * in order of their numbers, so that the order they came in makes no difference.
 */
export async function mergeRows(
  given: Project,
  rows: readonly (StageRow | ArtifactRow)[],
  rules: Rules,
  unfold: Unfold,
): Promise<{ project: Project; outcomes: Outcome[] }> {
  const merging = new Merging(given, rules, unfold);
  const stages = rows.filter((row) => row.kind === "stage");
  for (const row of stages.toSorted((a, b) => a.stage_number - b.stage_number || 0)) await merging.stage(row);
  await merging.artifacts(rows.filter((row) => row.kind === "artifact"));
  return { project: merging.result(), outcomes: merging.outcomes };
}

class Merging {
  readonly outcomes: Outcome[] = [];
  readonly #given: Project;
  readonly #rules: Rules;
  readonly #unfold: Unfold;
  readonly #unfolded = new Map<number, Stage>();
  #project: Project;

  constructor(given: Project, rules: Rules, unfold: Unfold) {
    this.#given = given;
    this.#project = given;
    this.#rules = rules;
    this.#unfold = unfold;
  }

  /** A row of the table of stages fills its stage, or makes it. */
  async stage(row: StageRow): Promise<void> {
    if (wasRun(this.#given)) {
      this.outcomes.push({ row, reason: "already there", detail: RUN_SINCE });
      return;
    }
    const place = placeOf(this.#project, row.stage);
    if (!place) {
      this.#append(row, stageOfRow(row.item, this.#count()));
      return;
    }
    const stage = await this.#stageAt(place.position);
    const filled =
      place.part === undefined
        ? fillStage(stage, stageOfRow(row.item, place.position))
        : fillPart(stage, place.part, stageOfRow(row.item, place.position));
    this.outcomes.push(filled === stage ? { row, reason: "already there" } : { row });
    this.#set(place.position, stage, filled);
  }

  /** All of a stage's at once: a project may have very many. */
  async artifacts(rows: readonly ArtifactRow[]): Promise<void> {
    const byStage = new Map<number, { row: ArtifactRow; artifact: NewArtifact }[]>();
    for (const row of rows) {
      const placed = this.#placeArtifact(row);
      if (!placed) continue;
      const { position, part } = placed.place;
      const all = byStage.get(position) ?? [];
      all.push({ row, artifact: { path: placed.path, info: this.#infoOf(row), part } });
      byStage.set(position, all);
    }
    for (const [position, all] of byStage) {
      const before = await this.#stageAt(position);
      const { stage, added } = addArtifacts(
        before,
        all.map(({ artifact }) => artifact),
      );
      this.#set(position, before, stage);
      for (const [i, { row }] of all.entries())
        this.outcomes.push(added[i] ? { row } : { row, reason: "already there" });
    }
  }

  /** With all that follows from the stages: counts, progress, the stage it is at. */
  result(): Project {
    if (this.#project === this.#given) return this.#given;
    const { stages } = this.#project.stages_snapshot;
    if (wasRun(this.#given)) return this.#project;
    const started_at = this.#project.started_at ?? stages.find((stage) => stage.started_at)?.started_at;
    return { ...withStages(this.#project, stages), ...(started_at !== undefined && { started_at }) };
  }

  #placeArtifact(row: ArtifactRow): { place: Place; path: string } | undefined {
    const { path } = row;
    if (path === undefined) {
      this.outcomes.push({ row, reason: "no path" });
      return undefined;
    }
    const place = placeOf(this.#project, row.stage) ?? this.#appended(row);
    const stage = place && this.#project.stages_snapshot.stages[place.position];
    if (place && stage?.status !== "running") {
      this.#takeAgent(row);
      return { place, path };
    }
    const keys = this.#project.stages_snapshot.stages.map(({ stage: key }) => key).join(", ");
    const detail = place
      ? `${row.stage} is running: its worker says what it makes`
      : `the project has no stage ${row.stage || "without a name"}; it has ${keys || "none"}`;
    this.outcomes.push({ row, reason: "no such stage", detail });
    return undefined;
  }

  #appended(row: ArtifactRow): Place | undefined {
    if (this.#rules.unknownStage !== "append" || wasRun(this.#given)) return undefined;
    if (this.#count() >= LIMITS.stages) return undefined;
    // It made something, and nothing says that it failed.
    const item = { stage: row.stage, stage_name: row.stage, status: "completed" };
    const position = this.#count();
    this.#project = withStages(this.#project, [
      ...this.#project.stages_snapshot.stages,
      stageOfRow(item, position),
    ]);
    return { position };
  }

  #append(row: StageRow, stage: Stage): void {
    if (this.#count() >= LIMITS.stages) {
      const detail = `the project has ${LIMITS.stages} stages already`;
      this.outcomes.push({ row, reason: "no such stage", detail });
      return;
    }
    this.#project = withStages(this.#project, [...this.#project.stages_snapshot.stages, stage]);
    this.outcomes.push({ row });
  }

  /** Old projects without agents are found by the agent that their artifacts name. */
  #takeAgent({ agent_id }: ArtifactRow): void {
    if (agent_id !== undefined && this.#project.agent_id === undefined)
      this.#project = { ...this.#project, agent_id };
  }

  /** The agent is the project's; a row that names another one keeps it. */
  #infoOf({ info, agent_id }: ArtifactRow): ArtifactRow["info"] {
    return agent_id === undefined || agent_id === this.#project.agent_id ? info : { ...info, agent_id };
  }

  async #stageAt(position: number): Promise<Stage> {
    const known = this.#unfolded.get(position) ?? (await this.#readWhole(position));
    this.#unfolded.set(position, known);
    return known;
  }

  async #readWhole(position: number): Promise<Stage> {
    const whole = await this.#unfold(this.#project, position);
    const stage = whole.stages_snapshot.stages[position];
    if (!stage) throw new RangeError(`expected a stage at ${position}, found none`);
    return stage;
  }

  /** A stage that nothing was added to stays as the item has it. */
  #set(position: number, before: Stage, stage: Stage): void {
    if (stage === before) return;
    this.#unfolded.set(position, stage);
    this.#project = withContents(this.#project, position, stage);
  }

  #count(): number {
    return this.#project.stages_snapshot.stages.length;
  }
}

const RUN_SINCE = "the project was run since it was imported: its stages are as its worker left them";

/** Once a lease owner has written, or is about to, the stages are what it says. */
function wasRun(project: Project): boolean {
  return project.lease_seq > 0 || project.lease.owner !== undefined || project.restart_from !== undefined;
}
