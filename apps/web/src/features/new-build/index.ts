// What other features use of this one.
export { BuildFields } from "./build-fields.tsx";
export { type Draft, draftOf, EMPTY, inputOf } from "./input.ts";
export { problemsOf, sortIssues } from "./problems.ts";
