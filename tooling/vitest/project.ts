import type { ViteUserConfig } from "vitest/config";
import { configDefaults } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import type { Reporter } from "vitest/reporters";
import { SOAK } from "./soak.ts";
import { PATIENCE_MS } from "./until.ts";

// Workspace packages load from their sources, so that a test sees an edit without a build.
// The rest is what Node itself goes by: "module" is for bundlers, and some packages cannot be loaded that way.
const sourceFirst = ["@stagefold/source", "node", "development|production"];

/**
 * Time limit of one test, in milliseconds: longer than what it waits for, so that a test says what it waited for in vain. The
 * long form generates far more: minutes, and several times that on a busy machine.
 */
const testTimeoutMs = SOAK ? 3_600_000 : 3 * PATIENCE_MS;

/**
 * Number of test processes at once, in one workspace: the machines that check every change have two cores, and what is
 * tested are mostly processes that are waited for. More would slow down those that a person waits for.
 */
export const maxWorkers = 2;

/** Puts the cause of an error into the JSON report, which leaves it out: a property that fails says only there what failed. */
const withCauses: Reporter = {
  onTestRunEnd(modules) {
    for (const module of modules)
      for (const test of module.children.allTests("failed"))
        for (const error of test.result().errors ?? [])
          if (error.cause?.message !== undefined)
            error.stack = `${error.stack ?? error.message}\nCaused by: ${error.cause.message}`;
  },
};

/** Files that wait for engines and processes begin first: one of them at the end would leave the other test process idle. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification) => /\.(int|soak)\.test\.ts$/.test(moduleId);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

/**
 * The vitest configuration that every workspace shares; spread it and add what the workspace needs besides.
 * It also makes `vitest run` work inside the workspace alone.
 */
export function project(name: string): ViteUserConfig {
  return {
    resolve: { conditions: sourceFirst },
    ssr: { resolve: { conditions: sourceFirst } },
    test: {
      name,
      include: ["src/**/*.test.ts", "test/**/*.test.ts"],
      // What takes long, or shows once more what a shorter test shows.
      exclude: [...configDefaults.exclude, ...(SOAK ? [] : ["**/*.soak.test.ts"])],
      pool: "forks",
      maxWorkers,
      // The files of a workspace share its processes, so that zod and the AWS SDK are loaded once and not by every file.
      // What a file changes for its whole process is put back: vitest does it with spies and stubbed variables.
      isolate: false,
      sequence: { sequencer: LongestFirst },
      restoreMocks: true,
      unstubEnvs: true,
      testTimeout: testTimeoutMs,
      hookTimeout: 3 * PATIENCE_MS,
      teardownTimeout: 20_000,
      // With turbo's cache the report of an earlier run comes back too: `npm test` counts what is in it.
      ...(process.env.TURBO_HASH !== undefined && {
        reporters: ["default", withCauses, ["json", { outputFile: ".turbo/test-report.json" }]],
      }),
      // A test that asserts nothing cannot fail. Type tests (*.test-d.ts) belong to the typecheck task.
      // `expect.poll` waits for what must come: only a hang lasts so long, however busy the machine is.
      expect: { requireAssertions: true, poll: { timeout: PATIENCE_MS } },
    },
  };
}
