// Use cases of one container that need no other room: found by its reference, then the containers room's own verbs.
import type { ContainerTopResponse, ContainerWaitResponse } from "../api/types/index.ts";
import {
  type Attachment,
  type AttachOptions,
  attach,
  kill,
  type LogOptions,
  type LogStream,
  openLogs,
  pause,
  rename,
  resize,
  top,
  unpause,
  type WaitCondition,
} from "../containers/index.ts";
import { containerCgroup } from "../runtime/index.ts";
import { bundleFolder } from "./folders.ts";
import { logSource } from "./log-settings.ts";
import type { Engine } from "./types.ts";

export const killContainer = async (
  { containers }: Engine,
  reference: string,
  signal: string,
): Promise<void> => kill(containers, containers.find(reference), signal);

export const pauseContainer = async ({ containers }: Engine, reference: string): Promise<void> =>
  pause(containers, containers.find(reference));

export const unpauseContainer = async ({ containers }: Engine, reference: string): Promise<void> =>
  unpause(containers, containers.find(reference));

export async function renameContainer(engine: Engine, reference: string, name: string): Promise<void> {
  const { id } = engine.containers.find(reference);
  await rename(engine.containers, engine.containers.find(reference), name);
  engine.networks.renamed(id, engine.containers.find(id).name);
}

export const resizeContainer = async (
  { containers }: Engine,
  reference: string,
  rows: number,
  columns: number,
): Promise<void> => resize(containers, containers.find(reference), rows, columns);

export async function topContainer(
  { containers, environment }: Engine,
  reference: string,
  psArguments: string,
): Promise<ContainerTopResponse> {
  const record = containers.find(reference);
  return top(containers, record, psArguments, containerCgroup(bundleFolder(environment, record.id)));
}

/** The outer promise: the wait is registered (send the headers now); the inner: its end, or `signal`'s. */
export async function waitContainer(
  { containers }: Engine,
  reference: string,
  condition: WaitCondition,
  signal: AbortSignal,
): Promise<{ result: Promise<ContainerWaitResponse> }> {
  const result = containers.waiters.wait(containers.find(reference), condition, signal);
  result.catch(() => {}); // the client may be gone before anybody looks
  return { result };
}

export const containerLogs = async (
  engine: Engine,
  reference: string,
  options: LogOptions,
  signal: AbortSignal,
): Promise<LogStream> => {
  const record = engine.containers.find(reference);
  return openLogs(engine.containers, record, () => logSource(engine, record), options, signal);
};

/** Errors are thrown before anything is hijacked. One that isn't running yet may be attached to: as `run` does. */
export const attachContainer = async (
  engine: Engine,
  reference: string,
  options: AttachOptions,
): Promise<Attachment> => {
  const record = engine.containers.find(reference);
  return attach(engine.containers, record, reference, () => logSource(engine, record), options);
};
