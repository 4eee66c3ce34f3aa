// A daemon on another host through its ssh server, as Docker's client reaches one: each connection is an `ssh HOST
// docker system dial-stdio`. Our HTTP speaks to a unix socket of our own, whose every connection is joined to such a
// process, so that requests, streams and half-closing are the same code as for a daemon on this host.
import { spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmdirSync, unlinkSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SshEndpoint, UnixEndpoint } from "./endpoint.ts";
import { SdkError } from "./errors.ts";

/** fcntl.h: a descriptor that only names a file, which a socket can't otherwise be opened for. */
const O_PATH = 0o10000000;
/** Seconds until a host that doesn't answer is given up, as Docker's client has it. */
const CONNECT_TIMEOUT = 30;
/** What ssh says is an error's text: its beginning is enough. */
const COMPLAINT_LENGTH = 4096;
/** Milliseconds to wait for ssh's last words after its connection closed, and until it is made to end. */
const LAST_WORDS = 2000;

/**
 * What the other host is asked for. `docker` where it is installed, so that a context leads both clients to the same
 * daemon; `berth` where it alone is. In `sh`, since the account's own shell may be any; the socket is an argument of
 * it and is never read as anything else.
 */
function remoteCommand(socket: string | undefined): string {
  const dial = (program: string) => `exec ${program} \${1:+"--host=unix://$1"} system dial-stdio`;
  const script = `command -v docker >/dev/null 2>&1 && ${dial("docker")}; ${dial("berth")}`;
  return `sh -c '${script}' sh${socket ? ` '${socket}'` : ""}`;
}

/** The arguments of ssh. What comes of the address stands where ssh takes no options. */
export function sshArguments({ user, hostname, port, socket }: SshEndpoint): string[] {
  return [
    ...(user ? ["-l", user] : []),
    ...(port ? ["-p", String(port)] : []),
    ...["-o", `ConnectTimeout=${CONNECT_TIMEOUT}`, "-T", "--", hostname],
    remoteCommand(socket),
  ];
}

/** Opens our end. Nothing is sent before the first connection, and nothing stays behind: the socket has no name. */
export async function tunnelTo(endpoint: SshEndpoint): Promise<UnixEndpoint> {
  const words = sshArguments(endpoint);
  const failed = Promise.withResolvers<string>();
  const server = createServer({ allowHalfOpen: true }, (socket) => joinTo(socket, words, failed.resolve));
  // A folder that only we may enter, until there is a descriptor of the socket: through /proc that is enough to
  // connect, so the name can go at once.
  const folder = mkdtempSync(join(process.env.XDG_RUNTIME_DIR || tmpdir(), "berth-ssh-"));
  const path = join(folder, "s");
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(path, resolve);
    });
  } catch (cause) {
    rmdirSync(folder);
    throw new SdkError("unreachable", `no socket for ssh in ${folder}: ${cause}`, 0, { cause });
  }
  server.unref();
  const descriptor = openSync(path, O_PATH);
  unlinkSync(path);
  rmdirSync(folder);
  server.once("close", () => closeSync(descriptor));
  return {
    kind: "unix",
    host: endpoint.host,
    path: `/proc/self/fd/${descriptor}`,
    complaint: async () => {
      const late = new Promise<undefined>((resolve) => setTimeout(resolve, LAST_WORDS).unref());
      return Promise.race([failed.promise, late]);
    },
  };
}

/** Joins a connection to a new ssh; `fail` hears what is to say of an end that is none of ours. */
function joinTo(socket: Socket, words: string[], fail: (complaint: string) => void): void {
  // In a session of its own: the terminal's Ctrl-C is for the container, not for the way to it.
  const child = spawn("ssh", words, { stdio: ["pipe", "pipe", "pipe"], detached: true });
  // Nothing here keeps the program alive: who waits for an answer does.
  for (const one of [child, socket, child.stdin, child.stdout, child.stderr])
    (one as Partial<Socket>).unref?.();
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    if (said.length < COMPLAINT_LENGTH) said += chunk.toString();
  });
  child.stdin.on("error", () => {}); // its end says why
  socket.on("error", () => {}); // its close follows
  socket.pipe(child.stdin);
  child.stdout.pipe(socket);
  let ours = false;
  // It ends by itself when both ways are closed; on a dead network it would stay.
  socket.on("close", () => {
    const end = () => {
      ours = true;
      child.kill();
    };
    setTimeout(end, LAST_WORDS).unref();
  });
  child.on("error", (thrown) => {
    socket.destroy();
    const absent = "code" in thrown && thrown.code === "ENOENT";
    fail(absent ? 'exec: "ssh": executable file not found in $PATH' : `ssh: ${thrown.message}`);
  });
  child.on("close", (code, signal) => {
    if (code === 0 || ours) return;
    const status = code === null ? `signal: ${signal}` : `exit status ${code}`;
    fail(
      `command [ssh ${words.join(" ")}] has exited with ${status}, make sure the URL is valid, and Docker 18.09 or later is installed on the remote host: stderr=${said.trimEnd()}`,
    );
  });
}
