interface OldStage {
  readonly stage: string;
  readonly at: string;
  readonly to: string;
}

/** Keys that two of the forms use in place of those in the tables of rows. */
const OLD_KEY: Readonly<Record<string, string>> = {
  requirements_analysis: "requirements_analyzer",
  system_architecture: "system_architect",
  agent_design: "agent_designer",
};

const DISPLAY: Readonly<Record<string, string>> = {
  requirements_analysis: "需求分析",
  system_architecture: "系统架构设计",
  agent_design: "Agent设计",
  prompt_engineer: "提示词工程",
  tools_developer: "工具开发",
  agent_code_developer: "代码开发",
  agent_developer_manager: "开发管理",
};

type Form = (stages: readonly OldStage[]) => unknown;

const done = ({ at, to }: OldStage) => ({ status: "completed", started_at: at, completed_at: to });
const counted = (stages: readonly object[]) => ({ total: stages.length, completed: 0, stages });

/** `name`, `display_name`, `order`. */
const tracker: Form = (stages) =>
  counted(
    stages.map((one, i) => ({
      name: OLD_KEY[one.stage] ?? one.stage,
      display_name: DISPLAY[one.stage],
      order: i + 1,
      ...done(one),
    })),
  );

/** `stage` and `stage_name` alike, with all the fields of a row. */
const schema: Form = (stages) =>
  counted(
    stages.map((one, i) => ({
      stage: one.stage,
      stage_number: i + 1,
      stage_name: one.stage,
      stage_name_cn: DISPLAY[one.stage],
      ...done(one),
      duration_seconds: null,
      output_data: { artifacts: [`outputs/${one.stage}.md`] },
      error_message: null,
      logs: [`[${one.to}] ${one.stage}`],
    })),
  );

/** The same as JSON text. */
const text: Form = (stages) => JSON.stringify(schema(stages));

/** `stage_name` is what people read. */
const design: Form = (stages) =>
  counted(
    stages.map((one, i) => ({
      stage: OLD_KEY[one.stage] ?? one.stage,
      stage_number: i + 1,
      stage_name: DISPLAY[one.stage],
      ...done(one),
    })),
  );

/** The developers are parts of their manager, under old keys, and all of it is JSON text. */
const nested: Form = (stages) => {
  const parts = new Map([
    ["tools_developer", "tool_developer"],
    ["prompt_engineer", "prompt_engineer"],
    ["agent_code_developer", "agent_code_developer"],
  ]);
  const sub_stages = Object.fromEntries(
    stages.flatMap((one) => {
      const key = parts.get(one.stage);
      return key === undefined ? [] : [[key, { ...done(one), artifacts: [] }]];
    }),
  );
  const whole = stages.filter(({ stage }) => !parts.has(stage));
  return JSON.stringify(
    counted(
      whole.map((one, i) => ({
        stage: one.stage,
        stage_number: i + 1,
        stage_name: one.stage,
        ...done(one),
        logs: [],
        ...(one.stage === "agent_developer_manager" && { sub_stages }),
      })),
    ),
  );
};

/** The forms that `stages_snapshot` has had. */
export const FORMS = [tracker, schema, text, design, nested] as const;
