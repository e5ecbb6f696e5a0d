import type { EventType, WebhookEvent } from "./events.ts";

const WORDS: Record<EventType, string> = {
  "build.started": "was started",
  "build.waiting": "waits for an answer",
  "build.completed": "is completed",
  "build.failed": "failed",
  "build.cancelled": "was cancelled",
  "build.slow": "takes longer than usual",
  "queue.stuck": "The queue is stuck",
  "queue.recovered": "The queue moves again",
  "workers.none": "No worker lives",
  "workers.recovered": "A worker lives again",
  "budget.low": "Most of the day's budget for language models is spent",
  "budget.spent": "The day's budget for language models is spent",
};

/** An event in words: what happened, to which build, and what else is known of it. */
interface Told {
  /** The build's name; undefined where the event is none of a build. */
  readonly name: string | undefined;
  readonly happened: string;
  readonly detail: string;
}

function told({ type, data }: WebhookEvent): Told {
  const { project, slow, incident, budget } = data;
  const where = type === "build.waiting" && project?.current_stage ? ` at ${project.current_stage}` : "";
  const happened = `${WORDS[type]}${where}`;
  return { name: project?.project_name, happened, detail: detail() };

  function detail(): string {
    if (data.gate) return data.gate.question.slice(0, 1000);
    if (type === "build.failed" && project?.error_info) return project.error_info.message;
    if (slow) {
      const [active, usual] = [slow.active_seconds, slow.usual_seconds].map(duration);
      return `its stages have run for ${active}, and 19 of 20 builds of ${project?.pipeline} need less than ${usual}`;
    }
    if (budget) return `$${budget.spent_usd.toFixed(2)} of $${budget.limit_usd.toFixed(2)} on ${budget.date}`;
    if (!incident) return "";
    const { since, until } = incident;
    return until === undefined
      ? `${incident.detail} (since ${since})`
      : `it was not from ${since} to ${until}`;
  }
}

/** The form that Slack and what is like it take: one text. `link`: where people see the build. */
export function slackBodyOf(event: WebhookEvent, link: string | undefined): Record<string, unknown> {
  const { name, happened, detail } = told(event);
  const shown = name === undefined ? undefined : escapeSlack(name);
  const subject =
    shown === undefined ? "" : `Build ${link === undefined ? `*${shown}*` : `<${link}|${shown}>`} `;
  const { gate } = event.data;
  const answer = gate ? ` <${gate.answer_url}|Answer>` : "";
  return { text: `${subject}${happened}${detail && `: ${escapeSlack(detail)}`}`.slice(0, 2500) + answer };
}

/** The same as a mail. */
export function mailOf(event: WebhookEvent, link: string | undefined): { subject: string; text: string } {
  const { name, happened, detail } = told(event);
  const subject = name === undefined ? happened : `Build ${name} ${happened}`;
  const { gate } = event.data;
  const lines = [`${subject}${detail && `: ${detail}`}.`];
  if (gate) lines.push(`Answer it: ${gate.answer_url}`);
  if (link !== undefined) lines.push(`See it: ${link}`);
  return { subject: `[Stagefold] ${subject}`.slice(0, 200), text: `${lines.join("\n\n")}\n` };
}

function duration(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

function escapeSlack(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
