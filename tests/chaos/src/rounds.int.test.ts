import { testRounds } from "./rounds.ts";

// One after the other: each keeps a machine with two cores busy enough.
testRounds("dynoxide");
testRounds("dynalite");
