// The execs' part of the API.
import { invalid, isKind, messageOf } from "../base/errors.ts";
import type { Attachment, ExecRequest } from "../containers/types.ts";
import * as engine from "../engine/index.ts";
import { empty, type Handler, json, terminalSize } from "./request.ts";
import { contentTypeOf } from "./streams.ts";

const create: Handler = async ({ name, body }, rooms) => {
  const request = (body ?? {}) as ExecRequest;
  if (!request.Cmd || request.Cmd.length === 0) throw invalid("No exec command specified");
  return json(await engine.createExec(rooms, name, request), 201);
};

const start: Handler = async ({ name, body, version }, rooms) => {
  const {
    Detach: detach = false,
    Tty: tty = false,
    ConsoleSize,
  } = (body ?? {}) as {
    Detach?: boolean;
    Tty?: boolean;
    ConsoleSize?: [number, number];
  };
  const consoleSize = tty && ConsoleSize?.length === 2 ? ConsoleSize : undefined;
  let attachment: Attachment | null;
  try {
    attachment = await engine.startExec(rooms, name, { detach, tty, consoleSize });
  } catch (error) {
    // A program that can't be started is told in the stream, as by moby: clients then ask for the exit code (126, 127).
    if (detach || isKind(error, "not-found") || isKind(error, "conflict") || isKind(error, "not-implemented"))
      throw error;
    attachment = lastWords(`${messageOf(error)}\r\n`, tty);
  }
  if (attachment === null) return empty(200);
  return { kind: "hijack", attachment, contentType: contentTypeOf(tty, version) };
};

/** An attachment that says one thing and ends. */
function lastWords(text: string, tty: boolean): Attachment {
  return {
    tty,
    output: (async function* () {
      yield { stream: "stdout" as const, data: Buffer.from(text) };
    })(),
    write: async () => undefined,
    closeStdin: () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  };
}

const inspect: Handler = async ({ name }, rooms) => json(await engine.inspectExec(rooms, name));

const resize: Handler = async ({ name, query }, rooms) => {
  const { rows, columns } = terminalSize(query);
  await engine.resizeExec(rooms, name, rows, columns);
  return empty(200);
};

export const handlers = { create, start, inspect, resize } satisfies Record<string, Handler>;
