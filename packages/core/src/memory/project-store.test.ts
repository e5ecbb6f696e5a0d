import { projectStoreSuite } from "../testing/project-store.suite.ts";
import { MemoryProjectStore } from "./project-store.ts";

const store = new MemoryProjectStore();
projectStoreSuite("memory", () => store);
