import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { ArrowLeftRight } from "lucide-react";
import { PageScroll } from "../../components/page-scroll.tsx";
import { Button } from "../../components/ui/button.tsx";
import { ErrorState } from "../../components/ui/error-state.tsx";
import { Field, Select } from "../../components/ui/field.tsx";
import { PageHead } from "../../components/ui/page-head.tsx";
import { Skeleton } from "../../components/ui/skeleton.tsx";
import { useLang, useMessages } from "../../i18n/lang.ts";
import { type Project, useApi } from "../../lib/api.ts";
import { formatRelative } from "../../lib/format.ts";
import { usePageTitle } from "../../lib/page-title.ts";
import { useProject } from "../../live/use-project.ts";
import { Comparison } from "./comparison.tsx";
import { messages } from "./messages.ts";

/** So many builds are offered to compare with. */
const OFFERED = 50;

/** Two builds side by side: `/compare?a=proj_…&b=proj_…`. */
export function ComparePage() {
  const t = useMessages(messages);
  const navigate = useNavigate();
  const search: Readonly<Record<string, unknown>> = useSearch({ strict: false });
  const idOf = (value: unknown) => (typeof value === "string" ? value : "");
  const [a, b] = [idOf(search.a), idOf(search.b)];
  const go = (next: { a: string; b: string }) =>
    void navigate({ to: "/compare", search: next, replace: true });
  usePageTitle(t.title);
  return (
    <PageScroll>
      <PageHead intro={t.intro} title={t.title} />
      <div className="mb-2 grid items-start gap-x-3 sm:grid-cols-[minmax(0,1fr)_auto_minmax(0,1fr)]">
        <Chooser id="a" label={t.first} like={b} onChange={(id) => go({ a: id, b })} value={a} />
        <Button
          aria-label={t.swap}
          className="max-sm:justify-self-center sm:mt-6"
          look="ghost"
          onClick={() => go({ a: b, b: a })}
          size="icon"
          title={t.swap}
        >
          <ArrowLeftRight aria-hidden className="size-4 max-sm:rotate-90" />
        </Button>
        <Chooser id="b" label={t.second} like={a} onChange={(id) => go({ a, b: id })} value={b} />
      </div>
      {a !== "" && b !== "" && <Both a={a} b={b} key={`${a} ${b}`} />}
    </PageScroll>
  );
}

interface ChooserProps {
  id: string;
  label: string;
  value: string;
  /** The other build: those of its pipeline are offered. */
  like: string;
  onChange: (projectId: string) => void;
}

function Chooser({ id, label, value, like, onChange }: ChooserProps) {
  const t = useMessages(messages);
  const lang = useLang();
  const api = useApi();
  const other = useProject(like).data;
  const chosen = useProject(value).data;
  const pipeline = other?.pipeline;
  const { data } = useQuery({
    queryKey: ["to compare", pipeline],
    queryFn: ({ signal }) => api.projects.list({ pipeline, limit: OFFERED }, { signal }),
    staleTime: 10_000,
  });
  const builds = (data?.items ?? []).filter(({ project_id }) => project_id !== like);
  const now = Date.now();
  return (
    <Field id={`compare-${id}`} label={label}>
      <Select id={`compare-${id}`} onChange={(event) => onChange(event.target.value)} value={value}>
        <option value="">{t.choose}</option>
        {value !== "" && !builds.some(({ project_id }) => project_id === value) && (
          <option value={value}>{chosen?.project_name.trim() || value}</option>
        )}
        {builds.map(({ project_id, project_name, created_at }) => (
          <option key={project_id} value={project_id}>
            {project_name.trim() || project_id} · {formatRelative(created_at, now, lang)}
          </option>
        ))}
      </Select>
    </Field>
  );
}

function Both({ a, b }: { a: string; b: string }) {
  const [one, other] = [useProject(a), useProject(b)];
  const error = one.error ?? other.error;
  if (error)
    return <ErrorState error={error} onRetry={() => void Promise.all([one.refetch(), other.refetch()])} />;
  if (!one.data || !other.data) return <Skeleton className="h-96 rounded-xl" />;
  const projects: readonly [Project, Project] = [one.data, other.data];
  return <Comparison a={projects[0]} b={projects[1]} />;
}
