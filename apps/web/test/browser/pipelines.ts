import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A picture of one pixel. */
const PNG =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/** What a stage writes that means harm to the page. */
export const HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>';

const PIPELINES = {
  // Ends when the test says so, by a file in the folder of the pipelines.
  "slow.yaml": (folder: string) => `
name: slow
stages:
  - stage: prepare
    stage_name: { en: Prepare, zh: 准备 }
    command: echo ready
  - stage: work
    stage_name: { en: Work, zh: 工作 }
    command: |
      i=0
      while [ ! -e "${folder}/$STAGEFOLD_PROJECT_ID" ]; do
        for n in 1 2 3; do i=$((i+1)); printf 'line %d of \\033[32mwork\\033[0m\\n' $i; done
        sleep 0.05
      done
      echo "a line that is far too long for a phone, and goes on and on: $STAGEFOLD_PROJECT_ID/$STAGEFOLD_PROJECT_ID"
      echo the end
`,
  "flaky.yaml": () => `
name: flaky
stages:
  - stage: first
    command: |
      mkdir -p out; echo "first" > out/first.txt; echo first done
    artifacts: ["out/first.txt"]
  - stage: second
    command: |
      n=$(cat tries 2>/dev/null || echo 0); n=$((n+1)); echo $n > tries
      printf 'title: Report\\ntry: %d\\nlist:\\n  - one # note\\n' $n > out/report.yaml
      if [ $n -lt 2 ]; then echo "try $n fails"; exit 7; fi
      echo "try $n works"
    artifacts: ["out/report.yaml"]
`,
  "files.yaml": () => `
name: files
stages:
  - stage: make
    stage_name: Make files
    command: |
      mkdir -p out/deep/er
      printf 'name: demo\\nitems:\\n  - one # first\\n' > out/config.yaml
      printf 'export const answer = 42;\\n' > out/deep/er/code.mjs
      printf '# Title\\n\\nText with \`code\`.\\n' > out/README.md
      echo '${HOSTILE}' > 'out/<b>hostile & name.html'
      printf '%s' '${PNG}' | base64 -d > out/pixel.png
      printf 'name,value\\n"a, b",1\\nc,2\\n' > out/rows.csv
      printf '{"deep": {"er": [1, 2]}}' > out/data.json
      echo '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><script>window.hacked=1</script><rect width="9" height="9"/></svg>' > out/drawing.svg
      head -c 3000 /dev/urandom > out/noise.bin
      echo '${HOSTILE}'
      printf '\\033[31mred\\033[0m and \\033[1mbold\\033[0m\\n'
    artifacts: ["out/**"]
`,
  "typed.yaml": () => `
name: typed
requirement: optional
limits: { tokens: 5000 }
input:
  type: object
  properties:
    market: { type: string, title: Market }
    pages: { type: integer, minimum: 1, default: 3, title: Pages }
  required: [market, pages]
stages:
  - stage: write
    command: echo "$STAGEFOLD_INPUT"
`,
  "gate.yaml": () => `
name: gate
stages:
  - stage: draft
    stage_name: { en: Draft, zh: 起草 }
    command: mkdir -p out; echo "the draft" > out/draft.md
    artifacts: ["out/**"]
  - stage: review
    stage_name: { en: Review, zh: 审核 }
    gate:
      question: Publish this draft?
      answer:
        type: object
        properties:
          ok: { type: boolean }
          channels: { type: array, items: { enum: [mail, chat] } }
          copies: { type: integer, minimum: 1, title: Copies }
          comment: { type: string, maxLength: 500, title: Comment }
        required: [ok, copies]
      accept: { ok: true }
      timeout_seconds: 86400
      on_timeout: fail
  - stage: publish
    stage_name: { en: Publish, zh: 发布 }
    command: echo published
`,
} satisfies Record<string, (folder: string) => string>;

export interface Pipelines extends AsyncDisposable {
  /** For STAGEFOLD_PIPELINES. */
  readonly folder: string;
  /** Lets the build of the pipeline `slow` come to its end. */
  finish(projectId: string): Promise<void>;
}

/** The pipelines that the tests of a build run, in a folder of their own. */
export async function writePipelines(): Promise<Pipelines> {
  const folder = await mkdtemp(join(tmpdir(), "stagefold-pipelines-"));
  for (const [name, text] of Object.entries(PIPELINES)) await writeFile(join(folder, name), text(folder));
  return {
    folder,
    finish: (projectId) => writeFile(join(folder, projectId), ""),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true, maxRetries: 5 }),
  };
}
