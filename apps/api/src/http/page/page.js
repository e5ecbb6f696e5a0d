const SHOWN = 50;
const list = document.getElementById("builds");
const state = document.getElementById("state");
/** Project id → summary. */
const builds = new Map();
/** Project id → its row, which stays the same element: what is open stays open. */
const rows = new Map();

const address = (procedure, input) =>
  `/trpc/${procedure}${input === undefined ? "" : `?input=${encodeURIComponent(JSON.stringify(input))}`}`;

async function ask(procedure, input) {
  const response = await fetch(address(procedure, input));
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error.message);
  return answer.result.data;
}

/** An element with text in it; text from builds is never anything but text. */
function element(name, className, text = "") {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

function render() {
  const newest = [...builds.values()].sort((a, b) => (a.created_at < b.created_at ? 1 : -1)).slice(0, SHOWN);
  const shown = new Set(newest.map((build) => build.project_id));
  for (const [id, row] of rows) {
    if (shown.has(id)) continue;
    row.remove();
    rows.delete(id);
  }
  for (const [at, build] of newest.entries()) {
    const row = rowOf(build);
    if (list.children[at] !== row) list.insertBefore(row, list.children[at] ?? null);
  }
  const count = newest.length === 1 ? "one build" : `the newest ${newest.length} builds`;
  state.textContent = newest.length === 0 ? "There are no builds yet." : `Live: ${count}`;
}

function rowOf(build) {
  const row = rows.get(build.project_id) ?? newRow(build.project_id);
  const text = JSON.stringify(build);
  if (row.dataset.build === text) return row;
  row.dataset.build = text;
  row.dataset.status = build.status;
  row.querySelector("summary").replaceChildren(...summaryOf(build));
  if (row.querySelector("details").open) void showStages(row, build.project_id);
  return row;
}

function newRow(id) {
  const row = document.createElement("li");
  const details = document.createElement("details");
  details.append(document.createElement("summary"), element("ol", "stages"));
  details.addEventListener("toggle", () => details.open && void showStages(row, id));
  row.append(details);
  rows.set(id, row);
  return row;
}

function summaryOf(build) {
  const progress = document.createElement("progress");
  progress.max = 100;
  progress.value = build.progress_percentage;
  progress.setAttribute("aria-label", "Progress");
  const stage = build.status === "building" ? build.current_stage : undefined;
  const created = new Date(build.created_at).toLocaleString();
  const run = build.run > 1 ? `run ${build.run}` : undefined;
  const about = [
    build.pipeline,
    stage,
    `${Math.floor(build.progress_percentage)} %`,
    run,
    created,
    build.user_id,
  ];
  const error = build.error_info ? [element("p", "error", build.error_info.message)] : [];
  return [
    element("span", "name", build.project_name),
    element("span", "status", build.status),
    element("span", "about", about.filter(Boolean).join(" · ")),
    ...error,
    progress,
  ];
}

async function showStages(row, id) {
  const stages = row.querySelector(".stages");
  const { build } = row.dataset;
  try {
    const project = await ask("projects.get", { project_id: id });
    // Another change has come meanwhile, and has asked again.
    if (row.dataset.build !== build) return;
    const json = element("a", "", "The whole project as JSON");
    json.href = address("projects.get", { project_id: id });
    const last = document.createElement("li");
    last.append(json);
    stages.replaceChildren(...project.stages_snapshot.stages.map((stage) => stageOf(id, stage)), last);
  } catch (error) {
    stages.replaceChildren(element("li", "error", error.message));
  }
}

function stageOf(id, stage) {
  const item = element("li", "", `${stage.stage_name} `);
  item.dataset.status = stage.status;
  const seconds = stage.duration_seconds;
  const attempt = stage.attempt > 1 ? `attempt ${stage.attempt}` : undefined;
  const took = seconds === undefined ? undefined : `${seconds.toFixed(1)} s`;
  item.append(element("span", "about", [stage.status, took, attempt].filter(Boolean).join(" · ")));
  if (stage.error_message) item.append(element("p", "error", stage.error_message));
  for (const path of stage.output_data.artifacts) {
    const link = element("a", "", path);
    const escaped = path.split("/").map(encodeURIComponent).join("/");
    link.href = `/artifacts/${id}/${escaped}?stage=${stage.stage}&attempt=${stage.attempt}`;
    item.append(link);
  }
  return item;
}

function follow() {
  const events = new EventSource(address("projects.watchList"));
  // The first list, and after a break what was missed: whatever happens from now on comes by itself.
  events.addEventListener("connected", () => void refresh());
  events.addEventListener("message", ({ data }) => {
    const change = JSON.parse(data);
    if (change.kind === "reset") return void refresh();
    if (change.kind === "changed") builds.set(change.project.project_id, change.project);
    else builds.delete(change.project_id);
    return render();
  });
  events.addEventListener("error", () => {
    state.textContent = "The connection was lost; trying again.";
  });
}

async function refresh() {
  try {
    const { items } = await ask("projects.list", { limit: SHOWN });
    builds.clear();
    for (const build of items) builds.set(build.project_id, build);
    render();
  } catch (error) {
    state.textContent = error.message;
  }
}

follow();
