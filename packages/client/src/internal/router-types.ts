import type { AppRouter } from "@stagefold/api/router";

export type { AppRouter };

/** What the compiler holds this package against: the router's own types. Nothing of it is published. */
type Router = AppRouter["_def"]["record"];

type PathIn<R> = {
  [Group in keyof R & string]: { [Name in keyof R[Group] & string]: `${Group}.${Name}` }[keyof R[Group] &
    string];
}[keyof R & string];

export type ProcedurePath = PathIn<Router>;

type ProcedureAt<Path> = Path extends `${infer Group extends keyof Router}.${infer Name}`
  ? Name extends keyof Router[Group]
    ? Router[Group][Name]
    : never
  : never;

type DefOf<Procedure> = Procedure extends {
  _def: { type: infer Type; $types: { input: infer Input; output: infer Output } };
}
  ? { type: Type; input: Input; output: Output }
  : never;

/** The path of every procedure with its kind. */
export type ProcedureKinds = { readonly [Path in ProcedurePath]: DefOf<ProcedureAt<Path>>["type"] };

export type PathOfKind<Kind> = {
  [Path in ProcedurePath]: ProcedureKinds[Path] extends Kind ? Path : never;
}[ProcedurePath];

export type InputOf<Path extends ProcedurePath> = DefOf<ProcedureAt<Path>>["input"];
export type OutputOf<Path extends ProcedurePath> = DefOf<ProcedureAt<Path>>["output"];

/** What a subscription's events carry, without the id that they are tracked by. */
export type EventOf<Path extends PathOfKind<"subscription">> =
  OutputOf<Path> extends AsyncIterable<{ id: string; data: infer Data }> ? Data : never;
