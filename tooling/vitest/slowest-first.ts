import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * Where the files are that take the longest, slowest first: what is begun last is what all others are waited for with.
 * A file that is missing here costs time, never a test.
 */
const SLOWEST = [
  "tests/chaos/src/rounds",
  "packages/core/test/simulation",
  "apps/worker/test/process",
  "apps/web/test/browser/",
  "tests/e2e/test/",
  "packages/cli/test/",
  "apps/worker/test/",
  "apps/api/src/main",
  "bench/src/",
  "packages/local-dynamodb/src/",
] as const;

/**
 * Vitest goes by the durations of the last run, and project by project. On a fresh clone there are none, and it takes the
 * largest files first, so that short ones which start many processes come last.
 */
export class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => rank(a.moduleId) - rank(b.moduleId));
  }
}

function rank(path: string): number {
  const at = SLOWEST.findIndex((part) => path.includes(part));
  return at < 0 ? SLOWEST.length : at;
}
