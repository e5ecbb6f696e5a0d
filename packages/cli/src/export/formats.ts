/** `jsonl`: one plain item a line. `dynamodb`: `{"Item": …}` a line with the type of every value, as "Export to S3" has it. */
export const FORMATS = ["jsonl", "dynamodb"] as const;
export type Format = (typeof FORMATS)[number];
