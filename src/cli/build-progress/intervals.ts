// Times in which a step ran: a step may run several times (a cache that was looked up and then wasn't there), and a
// group's steps overlap.
import type { Instant } from "../../sdk/index.ts";

export interface Interval {
  start: Instant;
  /** Undefined while it runs. */
  stop?: Instant;
}

/** Overlapping ones joined, in their order. One that hasn't ended takes in all that begin after it. */
export function mergeIntervals(intervals: Iterable<Interval>): Interval[] {
  const sorted = [...intervals].sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
  const merged: Interval[] = [];
  for (const next of sorted) {
    const current = merged.at(-1);
    if (!current || (current.stop !== undefined && current.stop < next.start)) {
      merged.push({ ...next });
      continue;
    }
    if (current.stop === undefined) break;
    if (next.stop === undefined || next.stop > current.stop) current.stop = next.stop;
  }
  return merged;
}

/** Seconds of all of them; what still runs counts until `now`. */
export function secondsOf(intervals: Interval[], now: Instant): number {
  return intervals.reduce((sum, { start, stop = now }) => sum + Number(stop - start) / 1e9, 0);
}
