import { afterAll } from "vitest";
import { removeSharedPipelines } from "./pipelines.ts";

afterAll(removeSharedPipelines);
