import { PROJECT_STATUSES, WORK_SHARDS } from "@stagefold/core";
import type { WorkloadCount } from "../counts/workload.ts";

/** Dollars for a million request units, on demand. */
export const PRICE = {
  write: 0.625,
  read: 0.125,
  source: "Amazon's on-demand price in us-east-1 since November 2024",
};

export interface CostFigures {
  readonly builds: number;
  /** By the size of each stage's output in bytes, the workload's own first. */
  readonly bySize: readonly { readonly output_bytes: number; readonly count: WorkloadCount }[];
  /** The same builds by the way that Stagefold replaces. */
  readonly replaced: { readonly requests: number; readonly write_units: number };
}

/** What one partition takes in a second, by Amazon's own account; a table on demand starts with a quota of its own. */
const PARTITION_UNITS = 1000;

/** docs/cost.md, as it follows from what was counted. Pure. */
export function costPage({ builds, bySize, replaced }: CostFigures): string {
  const [own] = bySize;
  if (!own) throw new RangeError("expected the workload's own count, found none");
  const each = (total: number) => total / builds;
  const rows = bySize.map(({ output_bytes, count }) =>
    [
      `${output_bytes} B`,
      kb(count.item_bytes),
      each(count.requests).toFixed(1),
      each(count.write_units).toFixed(1),
      dollars(each(count.write_units)),
    ].join(" | "),
  );
  const units = each(own.count.write_units);
  const looks = Math.round(3600 / 0.7) * (Math.ceil(own.count.item_bytes / 4096) / 2);
  const perItem = Math.floor(PARTITION_UNITS / Math.ceil(own.count.item_bytes / 1024));
  return `# What it costs

<!-- Written by \`npm run bench -- --write-docs\`: edit bench/src/report/cost-page.ts instead. -->

DynamoDB bills a write by the size of the whole item, a kilobyte a unit, whatever part of it changes, and each index
whose entry changes as a write of its own. So a build costs what its writes are and what its item weighs. This page was
counted on the wire, over ${builds} builds of six stages; each stage starts, logs two lines, reports its progress, and ends with an
output and three artifact paths of 80 characters. Times play no part in it: it is the same on every machine.

## One build

| output of a stage | finished item | requests | write units | 1,000 builds |
| --- | --- | --- | --- | --- |
${rows.map((row) => `| ${row} |`).join("\n")}

The requests are those of the worker: one claim, one write that starts the first stage, and one for the end of each stage,
which starts the next; what is above that are its looks for work, one for many builds. Who creates a build pays one more
write (about 5 units). Money is for write units at $${PRICE.write} a million, ${PRICE.source}; a read of a whole item costs
half a unit for each 4 KB at $${PRICE.read} a million, and is lost in rounding.

The way that Stagefold replaces (read all, write all as text, read again, write the progress, with two indexes that carry
everything) takes ${each(replaced.requests).toFixed(0)} requests and ${each(replaced.write_units).toFixed(0)} write units for the same build, ${dollars(each(replaced.write_units))} for 1,000: ${(replaced.write_units / own.count.write_units).toFixed(1)} times as much.

A stage that takes minutes adds one write every two seconds at most while it says something, and a heartbeat for each
quarter of the lease (15 seconds) while it is silent. A silent hour is ${60 * 4} heartbeats, about ${60 * 4 * (Math.ceil(own.count.item_bytes / 1024) + 2)} write units with an item of ${kb(own.count.item_bytes)}, and a look at the item every
0.7 seconds, eventually consistent, so that a cancel made elsewhere is obeyed: ${looks} read units. Together ${dollars((60 * 4 * (Math.ceil(own.count.item_bytes / 1024) + 2)) / 1000 + (looks * (PRICE.read / PRICE.write)) / 1000)}.
A longer lease (\`STAGEFOLD_LEASE_SECONDS\`) makes that less, and a dead worker's builds wait longer.

## What it can take

| what | takes | which is |
| --- | --- | --- |
| one item | ${PARTITION_UNITS} units a second | ${perItem} writes a second at ${kb(own.count.item_bytes)}; a build needs one every two seconds at most |
| one partition of the work index | ${PARTITION_UNITS} units a second | claims, first writes and ends: about 5 units a build, so ${Math.floor(PARTITION_UNITS / 5)} builds a second; a priority has ${WORK_SHARDS} |
| one state in StatusIndex | ${PARTITION_UNITS} units a second | 1 unit for each end of a stage, in \`building\`: ${Math.floor(PARTITION_UNITS / 8)} builds a second of six stages |
| one user in UserIndex | ${PARTITION_UNITS} units a second | the same for one user's builds |
| a new table, on demand | 4,000 units a second at first | ${Math.floor(4000 / units)} builds a second; it doubles with what it has served |
| a table, on demand | 40,000 units a second by default | ${Math.floor(40_000 / units)} builds a second; Amazon raises it when asked |
| an item | 400 KB at DynamoDB, 256 KB here | ${Math.floor((256 * 1024) / (own.count.item_bytes / 6))} stages' worth of the workload; 64 is the most |

## Where the limits are, and what to do there

- **Large outputs.** Every later write of the build pays for them again. Return what other stages need, and record the rest as
  artifacts; beyond 16 KB that happens by itself.
- **Many stages.** Costs grow with the square of their number, since each one's end is paid at the size of all before it. Parts
  of one stage (sub-stages) are cheaper than stages.
- **More than ${Math.floor(PARTITION_UNITS / 8)} builds a second.** The state \`building\` is one partition of StatusIndex. Builds that run were made lately,
  so that all writes go to one end of its sort key, the time of creation, where a split by Amazon helps little: take the limit as hard. Beyond it, use a
  table for each kind of build (\`STAGEFOLD_TABLE\`).
- **More than ${Math.floor((PARTITION_UNITS / 5) * WORK_SHARDS)} claims a second of one priority.** Raise the number of shards (\`WORK_SHARDS\`; it may only grow), or spread
  builds over priorities.
- **A new table that must take much at once.** Amazon gives a new on-demand table 4,000 write units a second. Warm it before (\`WarmThroughput\` of
  UpdateTable, billed once), or start slowly: throttled writes are tried again and nothing is lost.
- **Many idle workers.** A look for work is up to ten queries, at most every two seconds for a worker: 5 reads a second, half a
  unit each, is $${((2.5 * 3600 * 24 * 30 * PRICE.read) / 1e6).toFixed(2)} a month for each idle worker.
- **Programs that ask for one pipeline's work.** A queue is read past all other pipelines' work once every half a minute at most, 150 bytes a row
  (2,000 waiting builds are some 40 units), and in between from where the last look ended.

## What reading costs

Where nothing else is said, reads are eventually consistent: half a unit for each 4 KB. What a list index has of a build is about 1 KB.

| what | reads | units |
| --- | --- | --- |
| a page of 20 builds of a user, an agent or one state | 21 rows of one index | about 3 |
| a page of 20 builds over all states | 21 rows of each state that has so many | up to ${Math.ceil((21 * PROJECT_STATUSES.length) / 8)} |
| a text, a tag or a pipeline that few builds have | up to 2,000 rows for a page | up to 250 |
| a note that some stage has | the rows that pass the rest of the filter, and each of those builds, up to 500 for a page; on SQLite an index instead | 1 for each build of 8 KB |
| one build | the item, strongly consistent | 2 at 8 KB |
| a page of an agent's artifacts | one index page, then as many builds as the page takes | 1 and up for each build |
| watching one build | the item every 0.7 seconds, for all who watch it in a process | 1.4 a second |
| watching an answer that another process gives | the session's head and two looks for the end, strongly consistent, every 0.5 seconds, for all who watch it in a process | 8 a second at 8 KB |
| watching lists | the newest 850 rows every 1.5 seconds, for all who watch in a process; each build whose row changed, once, strongly consistent | about 71 a second when all those rows are there; 2 for each change |
| the number of builds in each state | every row of StatusIndex | 125 for each 1,000 builds |
| statistics of some days, the first time | the rows of builds that were made in these days | 125 for each 1,000 builds |
| the same days again, at most every 3 seconds | the rows of today's builds and of the open ones, and of 1,000 builds of past days | up to 125 beside those of today |

An hour of one open list on a full table is about 255,000 units, $${((255_000 * PRICE.read) / 1e6).toFixed(2)}; it costs nothing while no list is open.

## What a role must be allowed

For both tables and their indexes; \`Scan\` is for export, import and \`doctor\`. The second statement is for the first start alone, which makes the tables.

\`\`\`json
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": [
        "dynamodb:GetItem",
        "dynamodb:BatchGetItem",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "dynamodb:DeleteItem",
        "dynamodb:Query",
        "dynamodb:Scan",
        "dynamodb:DescribeTable",
        "dynamodb:DescribeTimeToLive"
      ],
      "Resource": [
        "arn:aws:dynamodb:*:*:table/AgentProjects",
        "arn:aws:dynamodb:*:*:table/AgentProjects/index/*",
        "arn:aws:dynamodb:*:*:table/StagefoldRecords",
        "arn:aws:dynamodb:*:*:table/StagefoldRecords/index/*"
      ]
    },
    {
      "Effect": "Allow",
      "Action": [
        "dynamodb:CreateTable",
        "dynamodb:UpdateTable",
        "dynamodb:UpdateTimeToLive"
      ],
      "Resource": [
        "arn:aws:dynamodb:*:*:table/AgentProjects",
        "arn:aws:dynamodb:*:*:table/StagefoldRecords"
      ]
    }
  ]
}
\`\`\`
`;
}

function kb(bytes: number): string {
  return `${(bytes / 1024).toFixed(1)} KB`;
}

/** For a thousand times so many write units. */
function dollars(units: number): string {
  return `$${((units * 1000 * PRICE.write) / 1e6).toFixed(3)}`;
}
