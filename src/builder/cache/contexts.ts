// Folders that clients have sent: kept, so that the next build from the same place sends what has changed alone.
//
// A build has a folder to itself while it runs; another one from the same place meanwhile gets one of its own. Each has a
// record in the cache.
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { spreadSubfolders } from "../../linux/files.ts";
import { contextSize } from "../../store/index.ts";
import type { Store } from "../../store/types.ts";
import type { Records } from "./records.ts";

export interface ContextFolder extends Disposable {
  files: string;
  /** What is known of the files (store/context-state.ts). */
  state: string;
}

export class Contexts {
  private readonly root: string;
  private readonly busy = new Set<string>();

  constructor(
    store: Store,
    private readonly records: Records,
  ) {
    this.root = join(store.root, "contexts");
    mkdirSync(this.root, { recursive: true, mode: 0o700 });
    spreadSubfolders(this.root);
  }

  /** `place`: what names the folder on its host, and what of it is sent. */
  async open(place: string, description: string): Promise<ContextFolder> {
    for (let number = 0; ; number++) {
      const key = `context ${place} ${number}`;
      if (this.busy.has(key)) continue;
      this.busy.add(key);
      const record =
        this.records.findMutable(key) ??
        (await this.records.add({
          key,
          type: "source.local",
          description,
          outputs: [],
          parents: [],
          mutable: true,
        }));
      const use = this.records.use(record.id);
      const folder = join(this.root, record.id);
      const [files, state] = [join(folder, "files"), join(folder, "state")];
      for (const path of [files, state]) mkdirSync(path, { recursive: true, mode: 0o755 });
      return {
        files,
        state,
        [Symbol.dispose]: () => {
          this.busy.delete(key);
          use[Symbol.dispose]();
        },
      };
    }
  }

  /** Bytes of its files, as the last transfer left them. */
  sizeOf(recordId: string): number {
    return contextSize(join(this.root, recordId, "state"));
  }

  /** Takes away the folder of a record that is gone. */
  remove(recordId: string): void {
    rmSync(join(this.root, recordId), { recursive: true, force: true });
  }
}
