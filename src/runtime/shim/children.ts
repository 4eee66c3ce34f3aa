// Every child of the shim: runtimes it starts, the container's init and execs that the runtimes leave to it (it is
// their subreaper), and strangers that end up here because a container shares the host's processes.
import { close } from "../../linux/ffi.ts";
import { openPidfd, reapChild, type WaitStatus } from "../../linux/process.ts";
import { childrenOf, killTree } from "../process-tree.ts";
import { READ, type Reactor } from "./reactor.ts";

/** Strangers tell nobody when they end: they are looked for this often, in milliseconds. */
const STRANGERS_EVERY = 30_000;

/** `ended` is missing for a stranger. */
interface Tracked {
  pidfd: number;
  ended?: (status: WaitStatus) => void;
}

/** Milliseconds after which orphans of a runtime that was just killed have come here. */
const ORPHANS_AFTER = [0, 100, 1000];

export class Children {
  private readonly tracked = new Map<number, Tracked>();
  /** Ends of processes whose runtime hasn't told us their pid yet. Only kept while a runtime runs. */
  private readonly early = new Map<number, WaitStatus>();
  private expecting = 0;

  constructor(private readonly reactor: Reactor) {
    this.lookForStrangers();
  }

  /** Calls `ended` once, also for a child that has ended already (but not before this returns from the loop's turn). */
  track(pid: number, ended: (status: WaitStatus) => void): void {
    const before = this.early.get(pid);
    if (before) {
      this.early.delete(pid);
      ended(before);
      return;
    }
    const known = this.tracked.get(pid);
    if (known) known.ended = ended;
    else this.watch(pid, ended);
  }

  private watch(pid: number, ended?: (status: WaitStatus) => void): void {
    const pidfd = openPidfd(pid);
    this.tracked.set(pid, { pidfd, ended });
    this.reactor.watch(pidfd, READ, () => this.reap());
  }

  /**
   * A call of the runtime failed or was given up, and may have left a process that nobody tracks. The init of its
   * process namespace can't end before that is reaped (pid_namespaces(7)), so its end must not be missed.
   */
  expectOrphans(): void {
    for (const wait of ORPHANS_AFTER)
      this.reactor.after(wait, () => {
        this.reap();
        for (const pid of childrenOf(process.pid)) if (!this.tracked.has(pid)) this.watch(pid);
      });
  }

  /** Between these two, ends of unknown children are kept for `track`. */
  expectNewcomer(): void {
    this.expecting++;
  }
  newcomerKnown(): void {
    if (--this.expecting === 0) this.early.clear();
  }

  /** Kills the children that nobody tracks: what a start that failed left. */
  killStrangers(): void {
    for (const pid of childrenOf(process.pid)) if (!this.tracked.has(pid)) killTree(pid);
  }

  /** Blocks until a tracked child has ended: only for one that is sure to end soon. */
  waitFor(pid: number): void {
    for (let polls = 0; this.tracked.has(pid) && polls < 60_000; polls++) {
      this.reap();
      if (this.tracked.has(pid)) Bun.sleepSync(1);
    }
  }

  private reap(): void {
    for (let status = reapChild(-1); status; status = reapChild(-1)) {
      const known = this.tracked.get(status.pid);
      if (known) {
        this.tracked.delete(status.pid);
        this.reactor.forget(known.pidfd);
        close(known.pidfd);
        if (known.ended) known.ended(status);
        else if (this.expecting > 0) this.early.set(status.pid, status);
        this.reactor.leftGarbage();
      } else if (this.expecting > 0) this.early.set(status.pid, status);
    }
  }

  private lookForStrangers(): void {
    this.reactor.after(STRANGERS_EVERY, () => {
      this.reap();
      this.lookForStrangers();
    });
  }
}
