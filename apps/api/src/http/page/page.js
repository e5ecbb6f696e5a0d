const SHOWN = 50;
const list = document.getElementById("builds");
const state = document.getElementById("state");
/** Project id → summary. */
const builds = new Map();

const address = (procedure, input) =>
  `/trpc/${procedure}${input === undefined ? "" : `?input=${encodeURIComponent(JSON.stringify(input))}`}`;

async function load() {
  const response = await fetch(address("projects.list", { limit: SHOWN }));
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error.message);
  builds.clear();
  for (const build of answer.result.data.items) builds.set(build.project_id, build);
  render();
}

function render() {
  const newest = [...builds.values()].sort((a, b) => (a.created_at < b.created_at ? 1 : -1)).slice(0, SHOWN);
  list.replaceChildren(...newest.map(row));
  state.textContent = newest.length === 0 ? "There are no builds yet." : `The newest ${newest.length}, live.`;
}

function row(build) {
  const item = document.createElement("li");
  const name = document.createElement("a");
  name.href = address("projects.get", { project_id: build.project_id });
  name.textContent = build.project_name;
  const progress = document.createElement("progress");
  progress.max = 100;
  progress.value = build.progress_percentage;
  progress.setAttribute("aria-label", `Progress of ${build.project_name}`);
  const stage = build.status === "building" && build.current_stage ? ` · ${build.current_stage}` : "";
  item.append(name, ` · ${build.status}${stage} · ${build.progress_percentage} %`, progress);
  return item;
}

function follow() {
  const events = new EventSource(address("projects.watchList"));
  // The first list, and after a break what was missed: whatever happens from now on comes by itself.
  events.addEventListener("connected", () => refresh());
  events.addEventListener("message", ({ data }) => {
    const change = JSON.parse(data);
    if (change.kind === "reset") return refresh();
    if (change.kind === "changed") builds.set(change.project.project_id, change.project);
    else builds.delete(change.project_id);
    return render();
  });
  events.addEventListener("error", () => {
    state.textContent = "The connection was lost; trying again.";
  });
}

function refresh() {
  load().catch((error) => {
    state.textContent = error.message;
  });
}

follow();
