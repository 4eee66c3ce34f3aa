// Brings finished layers to the disk behind a pull's back.
//
// A layer's row may reach the disk before its files do, and after a power cut it would be a broken whole. Syncing
// before the row would make each pull wait for the disk. So the row notes the boot in which the layer was finished
// until a syncfs(2) that began later has ended; after another boot, layers still marked go and are unpacked anew from
// their blobs, which are synced one by one. No container is made on a layer before it is on disk (`settled`). A build's
// steps don't wait: a step's layer and what stands on it go together, and the build runs them again.
import type { Database } from "bun:sqlite";
import { readFileSync } from "node:fs";
import { log } from "../base/log.ts";

export interface LayerSync {
  /** This boot's id: what a new layer is marked with. */
  readonly boot: string;
  /** Syncs what is finished by now, in the background. */
  schedule(): void;
  /** The same in a while, once for all that is finished until then: a build's steps follow each other closely. */
  scheduleLate(): void;
  /** Resolves when the layer (and so all below it) is on disk. Errors are logged, not thrown: the layer stays marked. */
  settled(layer: number): Promise<void>;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
}

/** Milliseconds. */
const LATE = 3000;

export function openLayerSync(db: Database, folder: string): LayerSync {
  const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  let running: Promise<void> | undefined;
  let again = false;
  let late: ReturnType<typeof setTimeout> | undefined;

  const isMarked = (layer: number) =>
    db.query("SELECT 1 FROM snapshots WHERE number = ? AND unsynced_boot IS NOT NULL").get(layer) !== null;

  async function syncOnce(): Promise<void> {
    const marked = db.query("SELECT number FROM snapshots WHERE unsynced_boot = ?").all(boot) as {
      number: number;
    }[];
    if (marked.length === 0) return;
    // syncfs(2) by coreutils' sync: a blocking call has no place on the daemon's loop.
    const sync = Bun.spawn(["sync", "--file-system", folder], { stdio: ["ignore", "ignore", "pipe"] });
    const [code, message] = await Promise.all([sync.exited, sync.stderr.text()]);
    if (code !== 0) {
      log.warn("could not sync layers", { folder, error: message.trim() });
      return;
    }
    const clear = db.query("UPDATE snapshots SET unsynced_boot = NULL WHERE number = ?");
    db.transaction(() => {
      for (const { number } of marked) clear.run(number);
    })();
  }

  function schedule(): void {
    clearTimeout(late);
    late = undefined;
    if (running) {
      again = true;
      return;
    }
    running = syncOnce()
      .catch((thrown) => log.warn("could not sync layers", { folder, error: String(thrown) }))
      .finally(() => {
        running = undefined;
        if (!again) return;
        again = false;
        schedule();
      });
  }

  return {
    boot,
    schedule,
    async settled(layer) {
      // Two rounds at most: one that may have begun before the layer was finished, and one after.
      for (let round = 0; round < 2 && isMarked(layer); round++) {
        schedule();
        await running;
      }
    },
    scheduleLate() {
      late ??= setTimeout(schedule, LATE).unref();
    },
    async idle() {
      if (late) schedule();
      while (running) await running;
    },
  };
}
