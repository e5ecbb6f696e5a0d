import { type Item, type ListPage, type ListQuery, MemoryProjectStore } from "@stagefold/core";

/** The reference store, which also counts what is read from it. */
export class CountingStore extends MemoryProjectStore {
  gets = 0;
  lists = 0;
  batches = 0;

  get reads(): number {
    return this.gets + this.lists + this.batches;
  }

  override get(projectId: string): Promise<Item | undefined> {
    this.gets += 1;
    return super.get(projectId);
  }

  override getMany(projectIds: readonly string[]): Promise<readonly Item[]> {
    this.batches += 1;
    return super.getMany(projectIds);
  }

  override list(query: ListQuery): Promise<ListPage> {
    this.lists += 1;
    return super.list(query);
  }
}
