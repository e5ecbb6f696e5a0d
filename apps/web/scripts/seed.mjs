// Builds in every state, made as users make them.

const REQUIREMENTS = [
  ["Counts words, sentences and paragraphs of a text", "text_statistics", "Ada", ["text"]],
  ["Adds, subtracts, multiplies and divides numbers", "math_calculator", "Ada", ["demo", "numbers"]],
  ["Summarises long texts in three sentences", "text_summary", "Lin", ["text"]],
  ["Converts units of length, weight and temperature", "unit_converter", "Ada", ["numbers"]],
  ["Reads CSV files and answers questions about them", "table_reader", "Grace", ["data", "nightly"]],
  ["查询日期与时差，并计算两个日期之间的天数", "日期助手", "Lin", ["demo"]],
  ["Fetches a web page and lists its headings", "page_outline", "Grace", ["web", "nightly"]],
  ["Answers questions about JSON documents", "json_query", "Lin", ["data"]],
];

/** @param {Awaited<ReturnType<typeof import("./stack.mjs").startStack>>} stack */
export async function seed({ call }) {
  const made = [];
  for (const [requirement, project_name, user_name, tags] of REQUIREMENTS) {
    made.push(
      await call("POST", "projects.create", {
        requirement,
        project_name,
        user_id: String(user_name).toLowerCase(),
        user_name,
        tags,
      }),
    );
    // The first one is shown alone: it does not wait for the others.
    if (made.length === 1) await ended(call, made[0].project_id);
  }
  for (const { project_id } of made) await ended(call, project_id);
  const failed = await ownBuild(call, "invoice_checker", true);
  const running = await ownBuild(call, "report_writer", false);
  const { project_id: paused } = await call("POST", "projects.create", {
    requirement: "Sorts support requests",
    project_name: "ticket_sorter",
    user_id: "grace",
    user_name: "Grace",
    stages: [{ stage: "collect" }],
  });
  await call("POST", "projects.pause", { project_id: paused });
  const { project_id: cancelled } = await call("POST", "projects.create", {
    requirement: "Translates menus",
    project_name: "menu_translator",
    user_id: "lin",
    user_name: "Lin",
    tags: ["text"],
    stages: [{ stage: "translate" }],
  });
  await call("POST", "projects.cancel", { project_id: cancelled });
  return { completed: made[0].project_id, failed, running, paused, cancelled };
}

/** @param {any} call @param {string} project_id */
async function ended(call, project_id) {
  for (;;) {
    const { status } = await call("GET", "projects.get", { project_id });
    if (status === "completed" || status === "failed") return;
    await new Promise((next) => setTimeout(next, 200));
  }
}

/** A build whose stages this script runs itself: one that fails, or one that goes on. @param {any} call @param {string} name @param {boolean} fails */
async function ownBuild(call, name, fails) {
  const stages = [
    { stage: "collect", stage_name: "Collect examples" },
    { stage: "train", stage_name: "Write the rules" },
    { stage: "check", stage_name: "Check against the examples" },
  ];
  const { project_id } = await call("POST", "projects.create", {
    requirement: "Checks invoices against the order that they belong to",
    project_name: name,
    user_id: "grace",
    user_name: "Grace",
    tags: ["data"],
    pipeline: "own",
    stages,
  });
  const { lease_token, lease_seq } = await call("POST", "work.claim", { owner: "pictures", project_id });
  let seq = lease_seq;
  /** @param {object[]} events */
  const report = (...events) =>
    call("POST", "work.report", { project_id, lease_token, lease_seq: ++seq, events });
  await report(
    { event: "started", stage: "collect" },
    { event: "log", stage: "collect", lines: ["reading 240 invoices", "\u001b[32mdone\u001b[0m"] },
  );
  await report(
    { event: "completed", stage: "collect", output: { invoices: 240 } },
    { event: "started", stage: "train" },
  );
  await report(
    { event: "log", stage: "train", lines: ["rule 1: totals agree", "rule 2: dates are in order"] },
    { event: "progress", stage: "train", progress: 40 },
  );
  if (fails)
    await report(
      {
        event: "log",
        stage: "train",
        lines: ["\u001b[31mError: order 4711 has no currency\u001b[0m", "    at check (rules.js:12:9)"],
      },
      { event: "failed", stage: "train", message: "order 4711 has no currency", code: "STAGE_FAILED" },
    );
  return project_id;
}
