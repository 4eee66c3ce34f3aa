// What a client does, in one call: create, attach, wait, start; exec; reading streams.

import type { ExecRequest, LogStream, OutputChunk } from "../../src/containers/types.ts";
import * as engine from "../../src/engine/index.ts";
import type { CreateRequest, Engine } from "../../src/engine/types.ts";
import { demultiplex } from "../../src/sdk/streams.ts";
import { request } from "./scratch-engine.ts";

/** A container that hasn't ended by then won't: its test fails rather than hangs. */
const PATIENCE = 30_000;

export async function outputOf(
  chunks: AsyncIterable<OutputChunk>,
): Promise<{ stdout: string; stderr: string }> {
  const output = { stdout: "", stderr: "" };
  for await (const { stream, data } of chunks) output[stream] += Buffer.from(data).toString();
  return output;
}

/** The bytes of `logs`, taken apart again. */
export async function logged({ bytes }: LogStream): Promise<{ stdout: string; stderr: string }> {
  const output = { stdout: "", stderr: "" };
  for await (const { stream, data } of demultiplex(bytes))
    output[stream === "stderr" ? "stderr" : "stdout"] += Buffer.from(data).toString();
  return output;
}

export async function nextExit(rooms: Engine, id: string): Promise<{ StatusCode: number }> {
  const { result } = await engine.waitContainer(rooms, id, "next-exit", AbortSignal.timeout(PATIENCE));
  return result;
}

/** As `docker run`, to the end. */
export async function run(rooms: Engine, cmd: string[], parts: Partial<CreateRequest> = {}, input?: string) {
  const { Id: id } = await engine.createContainer(rooms, request(cmd, parts));
  const attachment = await engine.attachContainer(rooms, id, {
    logs: false,
    stream: true,
    stdin: input !== undefined,
    stdout: true,
    stderr: true,
  });
  const output = outputOf(attachment.output);
  const condition = parts.hostConfig?.AutoRemove ? "removed" : "next-exit";
  const { result } = await engine.waitContainer(rooms, id, condition, AbortSignal.timeout(PATIENCE));
  await engine.startContainer(rooms, id);
  if (input !== undefined) {
    await attachment.write(Buffer.from(input));
    attachment.closeStdin();
  }
  return { id, output: await output, exit: await result };
}

export async function startedContainer(rooms: Engine, cmd: string[], parts: Partial<CreateRequest> = {}) {
  const { Id: id } = await engine.createContainer(rooms, request(cmd, parts));
  await engine.startContainer(rooms, id);
  return { id, name: rooms.containers.find(id).name };
}

export async function execOutput(rooms: Engine, reference: string, cmd: string[], more: ExecRequest = {}) {
  const { Id } = await engine.createExec(rooms, reference, {
    Cmd: cmd,
    AttachStdout: true,
    AttachStderr: true,
    ...more,
  });
  const attachment = await engine.startExec(rooms, Id, { detach: false, tty: false });
  const output = await outputOf(attachment?.output ?? (async function* () {})());
  for (let tries = 0; (await engine.inspectExec(rooms, Id)).Running && tries < 100; tries++)
    await Bun.sleep(10);
  return { ...output, exitCode: (await engine.inspectExec(rooms, Id)).ExitCode };
}
