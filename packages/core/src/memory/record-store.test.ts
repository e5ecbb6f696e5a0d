import { recordStoreSuite } from "../testing/record-store.suite.ts";
import { MemoryRecordStore } from "./record-store.ts";

const store = new MemoryRecordStore();
recordStoreSuite("memory", () => store);
