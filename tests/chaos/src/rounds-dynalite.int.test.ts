import { testRounds } from "./rounds.ts";

testRounds("dynalite");
