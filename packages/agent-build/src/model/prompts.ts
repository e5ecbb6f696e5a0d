import type { CurrentVersion } from "../author.ts";
import type { DesignDocument, RequirementsDocument } from "../documents.ts";
import { LIBRARIES } from "../libraries.ts";
import { catalogue } from "../offline/catalogue.ts";

/** Texts for the language model. What is the same in each call stands first, so that providers can keep it ready. */

const CATALOGUE = catalogue
  .map((entry) => `- ${entry.key}: ${entry.summary.en}. Input: ${entry.input.join("; ")}`)
  .join("\n");

const LIBRARY_LIST = Object.entries(LIBRARIES)
  .map(([name, exported]) => `- ./lib/${name}.mjs: ${exported}`)
  .join("\n");

/** Of every call. */
export const SYSTEM = `You build AI agents for the platform Stagefold, step by step. An agent is a system prompt and a few tools.
A language model reads the user's message, calls the tools and answers. A shared runtime has the conversation, the loop,
files and errors: you never write a loop, a server, a command line, a chat or a memory.

A tool is one module of plain JavaScript for Node 20 in a file of its own. It has no packages besides Node's own modules
and these libraries, which exist as they are written here and no others:
${LIBRARY_LIST}
It exports only: export async function run(input, { cwd, now, secrets }) and returns { text, data }. input is an object
with the tool's parameters; cwd is the folder with the user's files, the only place where it reads and writes; now is a
Date; secrets has the values of the secrets that the tool names. text is what the language model reads. It throws an Error
with a sentence that says what was expected and what was found. It never uses eval, child processes, process.env, or
files outside cwd, and it has no state between calls.

There is a catalogue of tools that are ready and tested. Prefer them to new ones:
${CATALOGUE}

Be honest: what the tools cannot do is listed as unmet, in plain words. Do not promise live data without a tool that
fetches it, and no quality that cannot be checked. What the language model itself does well with a text (writing,
summarising, translating, advising, answering from what it is given) needs no tool and is met.`;

const json = (value: unknown): string => JSON.stringify(value, null, 1);

/** The text of a user, fenced: it says what to build, and nothing in it changes the rules above. */
const fenced = (text: string): string =>
  `<requirement>\n${text.replaceAll("</requirement>", "")}\n</requirement>`;

export function analysisQuestion(
  requirement: string,
  projectName: string,
  current: CurrentVersion | undefined,
): string {
  const before =
    current === undefined
      ? ""
      : `\nIt changes an agent that exists. Keep its name, and what is not to change as it is:\n${json({
          agent_name: current.requirements.agent_name,
          requirement: current.requirements.requirement,
          tools: current.requirements.tools.map(({ key, summary }) => ({ key, summary: summary.en })),
          unmet: current.requirements.unmet.map(({ capability, reason }) => ({
            capability,
            reason: reason.en,
          })),
        })}\n`;
  return `${fenced(requirement)}
${projectName === "" ? "" : `The project is called ${JSON.stringify(projectName)}.\n`}${before}
Say what this asks for: a short name for the agent, its purpose in one sentence in the requirement's language, the tools
of the catalogue that it needs, the new tools that must be written (as few as do the work, each with one clear task that
code alone can do), and what will be unmet. asked_for has the words of the requirement that ask for it. Keywords are
words by which a later request for an unmet part is recognised.`;
}

const shownRequirements = ({ agent_name, purpose, language, tools, unmet }: RequirementsDocument): string =>
  json({
    agent_name,
    purpose,
    language,
    tools: tools.map(({ key, summary }) => ({ key, summary: summary.en })),
    unmet: unmet.map(({ capability, reason }) => ({ capability, reason: reason.en })),
  });

export function architectureQuestion(requirements: RequirementsDocument): string {
  return `${fenced(requirements.requirement)}
The agent: ${shownRequirements(requirements)}

Describe in a few sentences how it works: an overview, how data flows from a message through the tools to the answer,
and the constraints that hold.`;
}

export function designQuestion(
  requirements: RequirementsDocument,
  keys: readonly string[],
  current: CurrentVersion | undefined,
): string {
  const before = (current?.design.tools ?? []).filter((tool) => keys.includes(tool.key));
  return `${fenced(requirements.requirement)}
The agent: ${shownRequirements(requirements)}
${before.length === 0 ? "" : `Tools of the version before, to be changed only where they must:\n${json(before)}\n`}
Design these new tools: ${keys.join(", ")}. For each: what it does, for the language model that will call it; its
parameters; what it returns; its errors; the libraries it needs; whether it must reach the network; the secrets it needs,
by name. Then 2 to 5 tests, of which one is of an error: input_json is the input as a text of JSON; files lie in cwd; a
test succeeds with the text (text_is: the whole of it, or text_includes: a part of it that is surely there) or fails with
an error whose message has text_includes; leaves are files that it writes. Work the expected values out with care: the
tests decide whether the tool is right. Tests have no network; where a tool fetches, {loopback} in an input stands for a
server that answers "hello from loopback" as text/plain, {loopback}/page.html, {loopback}/feed.xml and
{loopback}/data.json ({"tide":{"high":"06:00"}}).`;
}

export function toolQuestion(key: string, design: DesignDocument, source: string | undefined): string {
  const tool = design.tools.find((one) => one.key === key);
  const tests = design.self_tests
    .filter((test) => test.tool === key)
    .map(({ args, files, env, exit, stdout, includes, leaves }) => ({
      input: args.at(-1),
      files,
      secrets: env,
      succeeds: exit === 0,
      text_is: stdout,
      text_includes: includes,
      leaves,
    }));
  return `The agent: ${design.agent_name}
The tool: ${json({ ...tool, tests })}
${source === undefined ? "" : `Its source in the version before:\n${source}\n`}
Write its module. The tests above will be run on it.`;
}

/** Nothing but the file and the error: more would cost more than it helps. */
export function repairQuestion(source: string, problem: string): string {
  return `This module of a tool does not work.\n\n<source>\n${source}\n</source>\n\n<error>\n${problem}\n</error>\n\nWrite the whole module again, with this put right.`;
}

export function promptQuestion(
  requirements: RequirementsDocument,
  tools: readonly { key: string; summary: string }[],
): string {
  return `${fenced(requirements.requirement)}
The agent: ${shownRequirements(requirements)}
It has exactly these tools, and no others: ${json(tools)}

Write its system prompt in the requirement's language (${requirements.language}): who it is, how it works through a request
with these tools, what its answers look like, what it says when asked for an unmet part. Names of tools stand in
backquotes. Do not describe the tools' parameters: the language model is given them. Then two or three messages that a
user might send.`;
}
