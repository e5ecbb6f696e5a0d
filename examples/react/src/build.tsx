import type { agentBuild } from "@stagefold/agent-build";
import { hooksFor, useArtifacts, useGate, useLog, useSuspenseBuild } from "@stagefold/react";

/** Keys and outputs of the stages are those of this pipeline. */
const { useStage } = hooksFor<typeof agentBuild>();

export function Build({ id }: { readonly id: string }) {
  const build = useSuspenseBuild(id);
  const { gate, answer, state } = useGate(id);
  // What is refused is shown below the question.
  const say = (ok: boolean) => void answer({ ok }).catch(() => undefined);
  const artifacts = useArtifacts(id);
  const current = build.current_stage ?? build.stages_snapshot.stages.at(-1)?.stage ?? "";
  return (
    <section aria-label="Build">
      <h2>
        {build.project_name}: {build.status}
      </h2>
      <progress max={100} value={build.progress_percentage} />
      {gate && (
        <p>
          {gate.question}{" "}
          <button type="button" onClick={() => say(true)}>
            Yes
          </button>
        </p>
      )}
      {state.error && <p role="alert">{state.error.message}</p>}
      {build.pipeline === "agent-build" && <Tools id={id} />}
      <Log id={id} stage={current} />
      <ul aria-label="Artifacts">
        {artifacts.value?.map(({ stage, attempt, path }) => (
          <li key={`${stage} ${attempt} ${path}`}>
            <a href={`/artifacts/${id}/${path.split("/").map(encodeURIComponent).join("/")}`}>{path}</a>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** What the first stage of agent-build found: its output is typed. */
function Tools({ id }: { readonly id: string }) {
  const { value } = useStage(id, "requirements_analysis");
  return <p>Tools: {value?.output?.tools.join(", ") ?? "not known yet"}</p>;
}

function Log({ id, stage }: { readonly id: string; readonly stage: string }) {
  const { value } = useLog(id, stage);
  return (
    <section aria-label="Log">
      <pre>{value?.lines.join("\n")}</pre>
    </section>
  );
}
