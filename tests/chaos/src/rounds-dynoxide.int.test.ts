import { testRounds } from "./rounds.ts";

testRounds("dynoxide");
