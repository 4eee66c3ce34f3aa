// What `docker ps` shows under STATUS, and the API under State and Status.

import { millisecondsOf } from "../../base/nanoseconds.ts";
import { humanDuration } from "../durations.ts";
import type { ContainerState } from "../types.ts";

/** True for what the API calls Running: paused and restarting too. */
export const isRunning = (state: ContainerState): boolean =>
  state.status === "running" || state.status === "paused" || state.status === "restarting";

export const exitCodeOf = (state: ContainerState): number => {
  switch (state.status) {
    case "created":
      return state.exitCode ?? 0;
    case "running":
    case "paused":
      return 0;
    case "exited":
      return state.problem?.exitCode ?? state.exit.code;
    default:
      return state.exit?.code ?? 0;
  }
};

/** `at` in milliseconds since the epoch; `health` is shown of one that runs. */
export function statusText(state: ContainerState, at: number, health?: string): string {
  const since = (time: string) => humanDuration(at - millisecondsOf(time));
  switch (state.status) {
    case "created":
      return "Created";
    case "running":
      return `Up ${since(state.startedAt)}${health ? ` (${health})` : ""}`;
    case "paused":
      return `Up ${since(state.startedAt)} (Paused)`;
    case "restarting":
      return `Restarting (${state.exit.code}) ${since(state.exit.finishedAt)} ago`;
    case "exited":
      return `Exited (${exitCodeOf(state)}) ${since(state.exit.finishedAt)} ago`;
    case "removing":
      return "Removal In Progress";
    case "dead":
      return "Dead";
  }
}
