// Who runs beside whom: a lane for each processor, and up to two more that begin while the processors have rested for a moment.
// Many test files mostly wait: for the kernel's grace periods, for time-outs, for what a daemon does every five seconds.
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

/** Files that take longest on two cores, the longest first (seconds from 290 down to 20). */
const LONGEST = [
  "test/builder/apps.test.ts",
  "test/builder/cases.test.ts",
  "test/clients/berth-on-berth.test.ts",
  "test/networks/recovery.test.ts",
  "test/engine/recovery.test.ts",
  "test/faults/killed-daemon.test.ts",
  "test/builder/faults.test.ts",
  "test/builder/remote-cache.test.ts",
  "test/clients/docker-on-berth.test.ts",
  "test/builder/bad-input.test.ts",
  "test/faults/stubborn.test.ts",
  "test/networks/ports.test.ts",
  "test/faults/runtime.test.ts",
  "test/acceptance/images.test.ts",
  "test/faults/shims.test.ts",
  "test/security/attacks.test.ts",
  "test/api/build.test.ts",
  "test/builder/build.test.ts",
  "test/faults/random-bodies.test.ts",
];

/** The longest come first, so that none is alone at the end; the others from both ends of the list in turn: files of one folder
 * work the same part of the machine, and would wait for each other. */
export function longestFirst(files: readonly string[]): string[] {
  const long = LONGEST.filter((file) => files.includes(file));
  const others = files.filter((file) => !LONGEST.includes(file)).sort();
  return [...long, ...others.map((_, i) => others.at(i % 2 === 0 ? i / 2 : -(i + 1) / 2)!)];
}

/** Lanes beyond the processors. */
const MORE = 2;
/** What part of the processors' time has to be left before one more lane begins, over that many milliseconds. */
const REST = 0.35;
const LOOK = 2_000;

export interface Looks {
  /** The part of the processors' time that was left since it was asked last. */
  rested: () => number;
  /** Milliseconds from one look to the next. */
  interval: number;
}

/** Does all of the work, in its order. Errors: the first that `run` throws. */
export async function inLanes<T>(
  work: readonly T[],
  run: (one: T) => Promise<void>,
  { rested, interval }: Looks = { rested: restOfProcessors(), interval: LOOK },
): Promise<void> {
  const queue = [...work];
  const processors = availableParallelism();
  const all = Promise.withResolvers<void>();
  let running = 0;
  const begin = () => {
    const one = queue.shift();
    if (one === undefined) {
      if (running === 0) all.resolve();
      return;
    }
    running++;
    run(one)
      .then(() => {
        running--;
        if (running < processors) begin();
      })
      .catch(all.reject);
  };
  const looking = setInterval(() => {
    if (rested() > REST && running < processors + MORE && queue.length > 0) begin();
  }, interval);
  for (let i = 0; i < processors; i++) begin();
  try {
    await all.promise;
  } finally {
    clearInterval(looking);
  }
}

function restOfProcessors(): () => number {
  let before = processorTimes();
  return () => {
    const now = processorTimes();
    const rested = (now.idle - before.idle) / (now.total - before.total);
    before = now;
    return rested;
  };
}

/** Ticks since the boot (proc_stat(5)); waiting for a disk is rest. */
function processorTimes(): { idle: number; total: number } {
  const line = readFileSync("/proc/stat", "utf8").split("\n", 1)[0] ?? "";
  // user, nice, system, idle, iowait, irq, softirq, steal; what guests take is in user.
  const ticks = line.trim().split(/\s+/).slice(1, 9).map(Number);
  return { idle: (ticks[3] ?? 0) + (ticks[4] ?? 0), total: ticks.reduce((sum, each) => sum + each, 0) };
}
