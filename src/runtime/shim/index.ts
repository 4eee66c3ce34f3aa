// `berth shim DIR`: keeps one container for as long as it lives, whoever started it. See protocol.ts for what is said
// to it, container.ts for what it does. It runs one loop of its own in one thread and nothing of Bun's event loop.
import { existsSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { close, KernelError } from "../../linux/ffi.ts";
import {
  becomeSubreaper,
  ignoreSignal,
  leaveSession,
  pointToNull,
  setProcessName,
} from "../../linux/process.ts";
import { acceptConnection, listenUnix, openFolder } from "../../linux/socket.ts";
import type { ShimConfig } from "../types.ts";
import { Children } from "./children.ts";
import { Connection, type ConnectionHandler } from "./connection.ts";
import { Container } from "./container.ts";
import { LogDriverFailure, openLog } from "./log/open.ts";
import { HeldPorts } from "./ports/held-ports.ts";
import {
  FEATURES,
  FRAME,
  type Hello,
  PROTOCOL,
  type Request,
  SOCKET_NAME,
  type Started,
} from "./protocol.ts";
import { READ, Reactor } from "./reactor.ts";
import { type Attached, answerRequest, type RequestHost } from "./requests.ts";

/** How often a shim whose container doesn't run looks whether its folder is still there: milliseconds. */
const FOLDER_EVERY = 60_000;
const IGNORED = { SIGHUP: 1, SIGINT: 2, SIGPIPE: 13, SIGTERM: 15 };
const STDOUT = 1;

/** Runs the shim of the folder; never returns. */
export function runShim(folder: string): never {
  leaveSession();
  // Whoever ends the daemon's session, or asks all processes to end at a shutdown, doesn't mean the container's
  // keeper: it ends with its container. And a client that is gone is an error of write(2), no signal.
  for (const signal of Object.values(IGNORED)) ignoreSignal(signal);
  setProcessName("berth-shim");
  let reactor: Reactor;
  try {
    reactor = openShim(folder);
  } catch (error) {
    if (error instanceof KernelError) {
      const { message, syscall, errno, object } = error;
      report({ ready: false, message, syscall, errno, object });
    } else
      report({
        ready: false,
        message: (error as Error).message,
        logging: error instanceof LogDriverFailure,
      });
    process.exit(1);
  }
  report({ ready: true, pid: process.pid });
  return reactor.run();
}

function report(started: Started): void {
  writeSync(STDOUT, `${JSON.stringify(started)}\n`);
  pointToNull(STDOUT);
}

function openShim(folder: string): Reactor {
  const config = readConfig(folder);
  becomeSubreaper();
  // Standard error is the folder's shim.log.
  const reactor = new Reactor((error) => complain(error));
  const ports = new HeldPorts(reactor);
  ports.replace(config.reservePorts);
  const children = new Children(reactor);
  const folderFd = openFolder(folder);
  const log = openLog(config.log, { reactor, children, complain });
  const container = new Container({ reactor, children, folder, folderFd, config, complain }, log);
  const connections = new Set<Connection>();
  const leave = leaving(connections);
  const host: RequestHost = {
    container,
    attached: new Map<Connection, Attached>(),
    ports,
    end() {
      rmSync(`${folder}/${SOCKET_NAME}`, { force: true });
      reactor.forget(listener);
      close(listener);
      leave.begin();
    },
  };
  rmSync(`${folder}/${SOCKET_NAME}`, { force: true });
  const listener = listenUnix(folderFd, SOCKET_NAME);
  const hello: Hello = { protocol: PROTOCOL, features: [...FEATURES], id: config.id, pid: process.pid };
  const spills = config.spillFolder;
  const handler = connectionHandler(host);
  reactor.watch(listener, READ, () => {
    const fd = acceptConnection(listener);
    if (fd < 0) return;
    const connection = new Connection(reactor, fd, spills, {
      ...handler,
      drained: leave.look,
      closed(closed) {
        connections.delete(closed);
        handler.closed(closed);
        leave.look();
      },
    });
    connections.add(connection);
    connection.sendMessage(FRAME.HELLO, hello);
  });
  writeFileSync(`${folder}/shim.pid`, String(process.pid));
  watchFolder(reactor, folder, () => container.running || leave.begun);
  return reactor;
}

/**
 * The end of the shim. What clients were sent is in their sockets, which outlive this process; what a slow one has not
 * taken yet is not, so as long as there is any the shim stays for it, with nothing else to do.
 */
function leaving(connections: Set<Connection>) {
  const leave = {
    begun: false,
    begin() {
      leave.begun = true;
      for (const connection of [...connections]) if (!connection.unsent) connection.close();
      leave.look();
    },
    look() {
      if (leave.begun && ![...connections].some(({ unsent }) => unsent)) process.exit(0);
    },
  };
  return leave;
}

function connectionHandler(host: RequestHost): Omit<ConnectionHandler, "drained"> {
  const { attached, container } = host;
  const inputOf = (connection: Connection) => {
    const attachment = attached.get(connection);
    return attachment?.stdin ? attachment.streams : undefined;
  };
  return {
    request: (connection: Connection, request: Request) => answerRequest(host, connection, request),
    stdin: (connection, address, length) => inputOf(connection)?.write(connection, address, length) ?? length,
    stdinEnd: (connection) => container.endInput(attached.get(connection)?.exec, inputOf(connection)),
    closed(connection) {
      const attachment = attached.get(connection);
      if (!attachment) return;
      attached.delete(connection);
      attachment.streams.detach(connection);
      if (attachment.exec === undefined) return;
      container.forgetUnstarted(attachment.exec);
      // Nobody can attach to an exec again, so what was its user's input is over.
      if (attachment.stdin) attachment.streams.closeInput();
    },
  };
}

function readConfig(folder: string): ShimConfig {
  // Written by the daemon that started this process, of the same build.
  return JSON.parse(readFileSync(`${folder}/shim.json`, "utf8")) as ShimConfig;
}

/** A shim that nobody can reach any more, and that keeps nothing alive, has no reason to be. */
function watchFolder(reactor: Reactor, folder: string, needed: () => boolean): void {
  reactor.after(FOLDER_EVERY, () => {
    if (!needed() && !existsSync(`${folder}/shim.json`)) process.exit(0);
    watchFolder(reactor, folder, needed);
  });
}

function complain(error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  try {
    writeSync(2, `${new Date().toISOString()} ${text}\n`);
  } catch {
    // Nowhere left to say it.
  }
}
