// The shim's one loop: it sleeps in epoll_wait and calls whoever watches a descriptor. No event loop of Bun's runs
// beside it, so nothing in the shim may use promises, timers or streams.
import { EPOLL, Epoll } from "../../linux/epoll.ts";

export { EPOLL } from "../../linux/epoll.ts";

/** Called with bits of EPOLL. May be called though nothing is there any more: whoever reads must bear EAGAIN. */
export type Watcher = (events: number) => void;

export interface Timer {
  at: number;
  run: () => void;
}

/**
 * Garbage is collected when nothing happened for so long after something did (milliseconds), and after so many pieces
 * of work that leave some: on its own the collector waits for more of it than this whole process is to take.
 */
const QUIET = 500;
const TIDY_EVERY = 16;
/** Turns of the loop leave little, but a gigabyte of output takes hundreds of thousands. */
const TIDY_TURNS = 10_000;

export class Reactor {
  private readonly epoll = new Epoll(32);
  private untidy = false;
  private worked = 0;
  private turns = 0;
  private nextTimer = Number.POSITIVE_INFINITY;
  private readonly watchers = new Map<number, Watcher>();
  private readonly timers: Timer[] = [];

  /** @param failed is told what a watcher or timer threw: one broken client must not end the container's keeper. */
  constructor(private readonly failed: (error: unknown) => void) {}

  watch(fd: number, events: number, watcher: Watcher): void {
    this.epoll.add(fd, events);
    this.watchers.set(fd, watcher);
  }

  /** Other events for a watched descriptor; 0 still reports errors and hang-ups. */
  change(fd: number, events: number): void {
    this.epoll.modify(fd, events);
  }

  /** Before the descriptor is closed. */
  forget(fd: number): void {
    if (this.watchers.delete(fd)) this.epoll.remove(fd);
  }

  after(milliseconds: number, run: () => void): Timer {
    const timer = { at: performance.now() + milliseconds, run };
    this.timers.push(timer);
    return timer;
  }

  cancel(timer: Timer | undefined): void {
    const index = timer ? this.timers.indexOf(timer) : -1;
    if (index >= 0) this.timers.splice(index, 1);
  }

  /** Some piece of work left garbage: a call of the runtime, a process that came and went. */
  leftGarbage(): void {
    if (++this.worked >= TIDY_EVERY) this.tidy();
  }

  private tidy(): void {
    this.worked = this.turns = 0;
    this.untidy = false;
    Bun.gc(true);
  }

  /** Never returns; the process ends by `process.exit` in one of the watchers. */
  run(): never {
    for (;;) {
      const timeout = this.untilNextTimer();
      const count = this.epoll.wait(this.untidy && (timeout < 0 || timeout > QUIET) ? QUIET : timeout);
      if (count > 0) this.untidy = true;
      if (this.untidy && (count === 0 || ++this.turns >= TIDY_TURNS)) this.tidy();
      for (let i = 0; i < count; i++) {
        const watcher = this.watchers.get(this.epoll.eventFd(i));
        if (watcher) this.guarded(watcher, this.epoll.eventBits(i));
      }
      this.runTimers();
    }
  }

  private guarded(work: (events: number) => void, events: number): void {
    try {
      work(events);
    } catch (error) {
      this.failed(error);
    }
  }

  /** Called on each turn of the loop, so without an iterator or a list of its own. */
  private untilNextTimer(): number {
    let next = Number.POSITIVE_INFINITY;
    for (let i = 0; i < this.timers.length; i++) next = Math.min(next, (this.timers[i] as Timer).at);
    this.nextTimer = next;
    return next === Number.POSITIVE_INFINITY ? -1 : Math.max(0, Math.ceil(next - performance.now()));
  }

  private runTimers(): void {
    if (this.nextTimer === Number.POSITIVE_INFINITY) return;
    const now = performance.now();
    if (now < this.nextTimer) return;
    for (const timer of this.timers.filter(({ at }) => at <= now)) {
      this.cancel(timer);
      this.guarded(timer.run, 0);
    }
  }
}

export const READ = EPOLL.IN;
export const WRITE = EPOLL.OUT;
