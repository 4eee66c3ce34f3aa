// What the daemon and a shim say to each other. Both ends of every release know this file alone of each other.
//
// A shim listens on `shim.sock` (mode 0600) in its folder. Each connection carries frames in both directions:
//
//   u32 length of the payload, little endian | u8 type | payload
//
// - The shim speaks first: HELLO with its protocol version, the features that it has by name, its container and pid.
// - REQUEST {id, method, params} is answered by one REPLY {id, result} or {id, error}; `wait` is answered when the end
//   comes, so replies come in any order. Unknown methods are answered with code "unknown-method".
// - After `attach` was answered the connection also carries the process's streams: STDOUT and STDERR from the shim,
//   then OUTPUT_END; STDIN and STDIN_END from the client. The shim reads no more from a connection while the process
//   doesn't take its input, and keeps in a file what a client doesn't take of the output, up to SPILL_LIMIT; then it
//   cuts that client off. A client that sees no OUTPUT_END was cut off.
// - Closing a connection changes nothing in the container.
//
// Versions: PROTOCOL changes when a client that knows only the old one would misunderstand; everything else is a new
// feature name, a new method or a new field, which the other side ignores. A daemon drives every shim from
// OLDEST_PROTOCOL on, since shims outlive the daemons that started them.
//
// Files in the folder: shim.json (ShimConfig), shim.sock, shim.pid, init.pid (from the runtime), exit.json
// (ExitStatus, written when the container ended and before anybody is told), shim.log (what went wrong in the shim
// itself), state/ (the runtime's), and short-lived files of calls under way.

/** Version of the frames and of what the methods mean. */
export const PROTOCOL = 1;
/** The oldest one that this release still drives. */
export const OLDEST_PROTOCOL = 1;
/** What this release's shim can do, by name; a daemon looks here before it uses one that is not in every release. */
export const FEATURES = [
  "attach",
  "exec",
  "log-json-file",
  "log-none",
  "log-local",
  "log-syslog",
  "log-journald",
  "hold-ports",
  "forward-ports",
  "spill",
  "update",
] as const;

export const FRAME = {
  REQUEST: 1,
  REPLY: 2,
  HELLO: 3,
  STDIN: 16,
  STDIN_END: 17,
  STDOUT: 18,
  STDERR: 19,
  OUTPUT_END: 20,
} as const;

export const FRAME_HEADER = 5;
/** Largest payload of a REQUEST or REPLY: an exec with a full environment (ARG_MAX is 2 MB) fits. */
export const MESSAGE_LIMIT = 4 << 20;
/** Largest piece of a stream in one frame. */
export const STREAM_CHUNK = 64 << 10;
/** Bytes that are kept on disk for a client that doesn't read before it is cut off. */
export const SPILL_LIMIT = 1 << 30;

export const SOCKET_NAME = "shim.sock";

export interface Hello {
  protocol: number;
  features: string[];
  id: string;
  pid: number;
}

/** Why a request failed: `code` for programs, `message` for people; `runtime` is what the OCI runtime itself said. */
export interface ShimFailure {
  code:
    | "unknown-method"
    | "invalid"
    | "not-running"
    | "exists"
    | "not-found"
    | "runtime"
    | "running"
    | "system";
  message: string;
  runtime?: string;
}

export interface Request {
  id: number;
  method: string;
  params?: Record<string, unknown>;
}

export interface Reply {
  id: number;
  result?: unknown;
  error?: ShimFailure;
}

/** First line on the standard output of a shim that was just started. */
export type Started =
  | { ready: true; pid: number }
  /** The last three are a KernelError's; `logging`: a log driver that can't begin, the message in Docker's words. */
  | { ready: false; message: string; logging?: boolean; syscall?: string; errno?: number; object?: string };
