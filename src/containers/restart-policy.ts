// When a container that ended is started again: the policies of `--restart`, and how long to wait before.
import type { RestartPolicy } from "../api/types/index.ts";

const FIRST_WAIT = 100;
const LONGEST_WAIT = 60_000;
/** A run of at least this long was a good one: the waiting starts over. */
const GOOD_RUN = 10_000;

/** Milliseconds to wait, after a run of `ran` milliseconds and an earlier wait of `before` (0: none). */
export function nextWait(before: number, ran: number): number {
  if (before === 0 || ran >= GOOD_RUN) return FIRST_WAIT;
  return Math.min(before * 2, LONGEST_WAIT);
}

/** Whether the policy starts it again. `restarts` counts those since a person started it. */
export function shouldRestart(
  policy: RestartPolicy | undefined,
  end: { exitCode: number; stoppedByUser: boolean; restarts: number },
): boolean {
  switch (policy?.Name) {
    case "always":
      return !end.stoppedByUser;
    case "unless-stopped":
      return !end.stoppedByUser;
    case "on-failure":
      return !end.stoppedByUser && end.exitCode !== 0 && triesLeft(policy, end.restarts);
    default:
      return false;
  }
}

/**
 * Whether a daemon that comes up starts a container that isn't running: "always" even one that a person stopped,
 * "unless-stopped" not that one, "on-failure" what failed, by a person's signal too, unless it has been tried often enough.
 */
export function shouldStartWithDaemon(
  policy: RestartPolicy | undefined,
  container: { everStarted: boolean; stoppedByUser: boolean; exitCode: number; restarts: number },
): boolean {
  if (!container.everStarted) return false;
  switch (policy?.Name) {
    case "always":
      return true;
    case "unless-stopped":
      return !container.stoppedByUser;
    case "on-failure":
      return container.exitCode !== 0 && triesLeft(policy, container.restarts);
    default:
      return false;
  }
}

const triesLeft = ({ MaximumRetryCount: most = 0 }: RestartPolicy, restarts: number): boolean =>
  most === 0 || restarts < most;
