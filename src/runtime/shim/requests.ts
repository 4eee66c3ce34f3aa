// From a request's words to what the container does: the methods of the protocol, and their parameters.
import { isIP } from "node:net";
import type { ReservedPort } from "../types.ts";
import type { Connection } from "./connection.ts";
import { type Container, Refusal } from "./container.ts";
import type { HeldPorts } from "./ports/held-ports.ts";
import type { ProcessStreams } from "./process-streams.ts";
import type { Request } from "./protocol.ts";

/** What a connection is attached to. */
export interface Attached {
  streams: ProcessStreams;
  exec: string | undefined;
  stdin: boolean;
}

export interface RequestHost {
  container: Container;
  attached: Map<Connection, Attached>;
  ports: HeldPorts;
  /** Ends the shim, after the answer is on its way. */
  end(): void;
}

type Params = Record<string, unknown>;
type Method = (host: RequestHost, params: Params, reply: Answers) => void;

interface Answers {
  connection: Connection;
  ok(result: unknown): void;
  fail(error: Refusal): void;
}

/** Answers a request, now or later. */
export function answerRequest(host: RequestHost, connection: Connection, request: Request): void {
  const { id } = request;
  const answers: Answers = {
    connection,
    ok: (result) => connection.reply({ id, result }),
    fail: ({ code, message, runtime }) => connection.reply({ id, error: { code, message, runtime } }),
  };
  const method = Object.hasOwn(METHODS, request.method) ? METHODS[request.method] : undefined;
  try {
    if (!method)
      throw new Refusal("unknown-method", `this shim has no method ${JSON.stringify(request.method)}`);
    method(host, request.params ?? {}, answers);
  } catch (error) {
    answers.fail(error instanceof Refusal ? error : new Refusal("system", String((error as Error).message)));
  }
}

const METHODS: Record<string, Method> = {
  state: ({ container }, _, { ok }) => ok(container.state()),
  start: ({ container }, _, answers) => container.start(answers),
  attach(host, params, { ok, connection }) {
    if (host.attached.has(connection)) throw new Refusal("exists", "this connection is attached already");
    const exec = optionalText(params, "exec");
    const streams = host.container.streams(exec);
    const stdin = params.stdin === true;
    connection.wants = (params.stdout === true ? 1 : 0) | (params.stderr === true ? 2 : 0);
    host.attached.set(connection, { streams, exec, stdin });
    if (stdin) connection.expectStdin();
    if (connection.wants !== 0) connection.expectOutput();
    ok(null);
    streams.attach(connection);
  },
  exec({ container }, params, answers) {
    const { process } = params;
    if (typeof process !== "string" || process === "") throw new Refusal("invalid", "process is missing");
    container.exec(
      fileName(params, "exec"),
      process,
      {
        terminal: params.terminal === true,
        stdin: params.stdin === true,
        size: optionalSize(params.consoleSize),
      },
      answers,
    );
  },
  kill({ container }, params, { ok }) {
    container.kill(wholeNumber(params, "signal"), {
      exec: optionalText(params, "exec"),
      all: params.all === true,
    });
    ok(null);
  },
  pause: ({ container }, _, answers) => container.freeze("pause", answers),
  resume: ({ container }, _, answers) => container.freeze("resume", answers),
  update({ container }, params, answers) {
    const { resources } = params;
    if (typeof resources !== "string" || resources === "")
      throw new Refusal("invalid", "resources are missing");
    container.update(resources, answers);
  },
  resize({ container }, params, { ok }) {
    container.resize(
      wholeNumber(params, "rows"),
      wholeNumber(params, "columns"),
      optionalText(params, "exec"),
    );
    ok(null);
  },
  wait: ({ container }, params, { ok }) => container.wait(optionalText(params, "exec"), ok),
  ports({ ports }, params, { ok }) {
    ports.replace(reservedPorts(params.ports));
    ok(null);
  },
  remove: ({ container, ports, end }, _, { ok, fail }) =>
    container.remove({
      fail,
      ok() {
        // Before the answer, since whoever gets that may want a port at once; the end of a process takes its time.
        ports.release();
        ok(null);
        end();
      },
    }),
};

function optionalText(params: Params, name: string): string | undefined {
  const value = params[name];
  if (value === undefined || typeof value === "string") return value;
  throw new Refusal("invalid", `${name} is no text`);
}

/** A name that becomes part of a file's. */
function fileName(params: Params, name: string): string {
  const value = params[name];
  if (typeof value === "string" && /^[\w-]{1,128}$/.test(value)) return value;
  throw new Refusal("invalid", `${name} is no name`);
}

function wholeNumber(params: Params, name: string): number {
  const value = params[name];
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 0xffff) return value;
  throw new Refusal("invalid", `${name} is no number from 0 to 65535`);
}

function optionalSize(value: unknown): [number, number] | undefined {
  if (!Array.isArray(value)) return undefined;
  const [rows, columns] = value;
  return typeof rows === "number" && typeof columns === "number" ? [rows, columns] : undefined;
}

function reservedPorts(value: unknown): ReservedPort[] {
  if (Array.isArray(value) && value.every(isReservedPort)) return value;
  throw new Refusal("invalid", "ports are no list of ports");
}

function isReservedPort(value: unknown): value is ReservedPort {
  const { protocol, address, port, forward } = (value ?? {}) as Partial<ReservedPort>;
  const isPlace = (place: unknown, number: unknown) =>
    typeof place === "string" && isIP(place) > 0 && Number.isInteger(number);
  return (
    (protocol === "tcp" || protocol === "udp") &&
    isPlace(address, port) &&
    (forward === undefined || isPlace(forward.address, forward.port))
  );
}
