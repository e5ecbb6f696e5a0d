import { useBuilds, useConnection, useCreateBuild } from "@stagefold/react";
import { type FormEvent, Suspense, useState } from "react";
import { Build } from "./build.tsx";

export function App() {
  const [selected, select] = useState<string>();
  const builds = useBuilds({ limit: 10 });
  const connection = useConnection();
  return (
    <main>
      <h1>Builds</h1>
      <p>The stream is {connection}.</p>
      <NewBuild onCreated={select} />
      {builds.status === "failed" && <p role="alert">{builds.error.message}</p>}
      <ul aria-label="Builds">
        {builds.value?.map(({ project_id, project_name, status, progress_percentage }) => (
          <li key={project_id}>
            <button type="button" onClick={() => select(project_id)}>
              {project_name}
            </button>
            : {status}, {progress_percentage} %
          </li>
        ))}
      </ul>
      {selected !== undefined && (
        <Suspense fallback={<p>Loading …</p>}>
          <Build key={selected} id={selected} />
        </Suspense>
      )}
    </main>
  );
}

function NewBuild({ onCreated }: { readonly onCreated: (id: string) => void }) {
  const [create, { pending, error }] = useCreateBuild();
  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    try {
      const input = {
        requirement: String(given.get("requirement")),
        pipeline: String(given.get("pipeline")),
      };
      onCreated((await create(input)).project_id);
    } catch {
      // What went wrong is shown below the form.
    }
  }
  return (
    <form onSubmit={submit}>
      <label>
        Requirement <input name="requirement" required />
      </label>
      <label>
        Pipeline <input name="pipeline" defaultValue="agent-build" />
      </label>
      <button type="submit" disabled={pending}>
        Create
      </button>
      {error && <p role="alert">{error.message}</p>}
    </form>
  );
}
