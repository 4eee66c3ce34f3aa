// A container's health as its checks tell it: what is run, when, and what a result makes of the status. Pure; the timers are
// in monitors.ts. The rules are those of moby's daemon/health.go.
import type { ContainerConfig, HealthConfig } from "../../api/types/index.ts";
import type { ContainerId, ContainerRecord } from "../types.ts";

export type HealthStatus = "starting" | "healthy" | "unhealthy";

/** One run of the check, as the API shows it; times in RFC 3339 with nanoseconds. */
export interface ProbeResult {
  Start: string;
  End: string;
  /** 0: healthy; -1: it could not be run, or took too long. */
  ExitCode: number;
  Output: string;
}

/** The row. A container that was never started has none, nor has one without a check. */
export interface Health {
  id: ContainerId;
  /** The run that the status is of. */
  startedAt: string;
  status: HealthStatus;
  /** Failures in a row, those of the start period not counted. */
  failingStreak: number;
  /** The last five results, oldest first; those of earlier runs too. */
  log: ProbeResult[];
}

const LOG_LENGTH = 5;
/** Where neither the user nor the image said anything; nanoseconds. */
const DEFAULTS = { Interval: 30e9, Timeout: 30e9, StartPeriod: 0, StartInterval: 5e9 } as const;
const DEFAULT_RETRIES = 3;
const NANOSECONDS = 1_000_000;

/** Milliseconds. */
const timeOf = (check: HealthConfig | undefined, name: keyof typeof DEFAULTS): number =>
  (check?.[name] || DEFAULTS[name]) / NANOSECONDS;

/** What is run; undefined when there is no check, or `NONE`. An empty command is one that fails. */
export function probeCommand({ Healthcheck: check, Shell }: ContainerConfig): string[] | undefined {
  const [kind, ...words] = check?.Test ?? [];
  if (kind === "CMD") return words;
  if (kind === "CMD-SHELL") return [...(Shell?.length ? Shell : ["/bin/sh", "-c"]), ...words];
  return undefined;
}

/** Milliseconds that a run of the check may take. */
export const probeTimeout = ({ Healthcheck }: ContainerConfig): number => timeOf(Healthcheck, "Timeout");

/** Milliseconds from `now` (the container's start, or the end of a check) to the next check. */
export function probeDelay(config: ContainerConfig, health: Health, now: number): number {
  const { Healthcheck: check } = config;
  const starting =
    health.status === "starting" && now - Date.parse(health.startedAt) < timeOf(check, "StartPeriod");
  return timeOf(check, starting ? "StartInterval" : "Interval");
}

/** The state at a start: what earlier runs' checks said stays to be read. */
export const healthAtStart = (id: ContainerId, startedAt: string, before: Health | undefined): Health => ({
  id,
  startedAt,
  status: "starting",
  failingStreak: 0,
  log: before?.log ?? [],
});

/** The state after a check. A failure in the start period counts for nothing, unless a check succeeded before. */
export function healthAfter(config: ContainerConfig, before: Health, result: ProbeResult): Health {
  const { Healthcheck: check } = config;
  const after = { ...before, log: [...before.log, result].slice(-LOG_LENGTH) };
  if (result.ExitCode === 0) return { ...after, status: "healthy", failingStreak: 0 };
  const ran = Date.parse(result.Start) - Date.parse(before.startedAt);
  if (before.status === "starting" && ran < timeOf(check, "StartPeriod")) return after;
  const failingStreak = before.failingStreak + 1;
  const retries = (check?.Retries ?? 0) > 0 ? (check?.Retries as number) : DEFAULT_RETRIES;
  return { ...after, failingStreak, ...(failingStreak >= retries && { status: "unhealthy" as const }) };
}

/** As `ps` shows it behind "Up …"; undefined without a check. */
export function healthText(health: Health | undefined): string | undefined {
  return health?.status === "starting" ? "health: starting" : health?.status;
}

/** Checks are run: not while it is paused. */
export const isChecked = ({ state, config }: ContainerRecord): boolean =>
  state.status === "running" && probeCommand(config) !== undefined;
