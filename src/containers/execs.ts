// The execs' rows, and a copy of them in memory. An exec is forgotten a while after its end, and when its container
// was started anew or is gone.
import type { Documents, Store } from "../store/types.ts";
import type { ContainerId, ExecRecord } from "./types.ts";

/** Milliseconds that an ended exec can still be inspected. */
const KEPT = 5 * 60_000;
/**
 * The same when its container is gone or was started anew. Clients ask for the status after the stream's end, and a
 * removal is over before they have: without an answer, `exec` would report an unknown instance and not how it ended.
 */
const KEPT_WITHOUT_CONTAINER = 10_000;
/** How an exec ended whose status nobody has: killed with its container. */
const KILLED = 137;

export class Execs {
  private readonly documents: Documents<ExecRecord>;
  private readonly byId = new Map<string, ExecRecord>();

  constructor(store: Store) {
    this.documents = store.documents<ExecRecord>("execs");
    for (const record of this.documents.all()) {
      this.byId.set(record.id, record);
      if (record.state === "exited") this.forgetLater(record.id);
    }
  }

  /** Its container may be gone. */
  get(id: string): ExecRecord | undefined {
    return this.byId.get(id);
  }

  of(containerId: ContainerId): ExecRecord[] {
    return [...this.byId.values()].filter((exec) => exec.containerId === containerId);
  }

  /** A health check's is in memory alone, and gone with its end. */
  put(exec: ExecRecord): ExecRecord {
    if (!exec.probe) this.documents.put(exec);
    this.byId.set(exec.id, exec);
    if (exec.probe && exec.state === "exited") this.byId.delete(exec.id);
    else if (exec.state === "exited") this.forgetLater(exec.id);
    return exec;
  }

  /** All of a container that was started anew, or is gone. What ran ended with it, and is shown so for a moment. */
  forgetAll(containerId: ContainerId): void {
    for (const exec of this.of(containerId)) {
      this.forget(exec.id);
      if (exec.probe || exec.state === "created") continue;
      this.byId.set(exec.id, { ...exec, state: "exited", exitCode: exec.exitCode ?? KILLED });
      setTimeout(() => this.byId.delete(exec.id), KEPT_WITHOUT_CONTAINER).unref();
    }
  }

  private forgetLater(id: string): void {
    setTimeout(() => this.forget(id), KEPT).unref();
  }

  forget(id: string): void {
    if (!this.byId.delete(id)) return;
    try {
      this.documents.delete(id);
    } catch {
      // The store was closed meanwhile: the next daemon forgets it.
    }
  }
}
