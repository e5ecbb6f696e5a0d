import { Link } from "@tanstack/react-router";
import { RelativeTime } from "../../components/relative-time.tsx";
import { Badge } from "../../components/ui/badge.tsx";
import { Button } from "../../components/ui/button.tsx";
import { useMessages } from "../../i18n/lang.ts";
import type { Agent } from "../../lib/api.ts";
import { Card } from "./card.tsx";
import { messages } from "./messages.ts";
import type { AgentControl } from "./use-agent-control.ts";

type Version = Agent["versions"][number];

/** What each build made of the agent, the newest first; any of them can be the one that answers. */
export function Versions({ agent, control }: { agent: Agent; control: AgentControl }) {
  const t = useMessages(messages);
  const versions = agent.versions.toSorted((one, other) => other.version - one.version);
  return (
    <Card title={t.versions}>
      {versions.length === 0 && <p className="text-ink-2 text-sm">{t.noVersion}</p>}
      <ul className="grid grid-cols-1">
        {versions.map((version, i) => (
          <li
            className="flex flex-wrap items-start gap-x-4 gap-y-1 border-line border-b py-2.5 last:border-0"
            key={version.version}
          >
            <div className="min-w-0 flex-1">
              <p className="flex flex-wrap items-center gap-2">
                <span className="font-medium">{t.version(version.version)}</span>
                {version.version === agent.version && (
                  <span className="rounded-full bg-good-soft px-2 py-px font-medium text-good text-xs">
                    {t.current}
                  </span>
                )}
                <RelativeTime at={version.at} className="text-ink-3 text-xs" narrow />
              </p>
              <p className="text-ink-3 text-xs">
                {version.self_tests && t.selfTests(version.self_tests.passed, version.self_tests.total)}
                {version.unmet.length > 0 && (
                  <span className="text-warn"> · {t.unmet(version.unmet.length)}</span>
                )}
              </p>
              <Changes before={versions[i + 1]} now={version} />
              <Links version={version} />
              {version.files_gone && <p className="text-bad text-xs">{t.filesGone}</p>}
            </div>
            {version.version !== agent.version && !version.files_gone && (
              <Button
                aria-label={t.chooseVersion(version.version)}
                className="max-sm:h-10"
                disabled={control.busy}
                focusableWhenDisabled
                onClick={() => control.choose(version.version)}
                size="small"
              >
                {t.useVersion}
              </Button>
            )}
          </li>
        ))}
      </ul>
    </Card>
  );
}

/** Tools that came and went since the version before. */
function Changes({ before, now }: { before: Version | undefined; now: Version }) {
  if (!before) return null;
  const names = ({ tools }: Version) => new Set(tools.map(({ name }) => name));
  const [old, next] = [names(before), names(now)];
  const changes = [
    ...[...next].filter((name) => !old.has(name)).map((name) => `+ ${name}`),
    ...[...old].filter((name) => !next.has(name)).map((name) => `− ${name}`),
  ];
  if (changes.length === 0) return null;
  return (
    <p className="my-1 flex flex-wrap gap-1">
      {changes.map((change) => (
        <Badge key={change}>{change}</Badge>
      ))}
    </p>
  );
}

function Links({ version }: { version: Version }) {
  const t = useMessages(messages);
  const files: [name: string, file: string | undefined][] = [
    [t.build, undefined],
    [version.entry.slice(version.entry.lastIndexOf("/") + 1), version.entry],
    ...(version.prompt === undefined ? [] : [[t.prompt, version.prompt] as [string, string]]),
  ];
  return (
    <p className="flex flex-wrap gap-x-3 text-sm">
      {files.map(([name, file]) => (
        <Link
          className="target text-accent hover:underline"
          key={name}
          params={{ projectId: version.project_id }}
          search={file === undefined ? {} : { view: "artifacts", file }}
          to="/builds/$projectId"
        >
          {name}
        </Link>
      ))}
    </p>
  );
}
