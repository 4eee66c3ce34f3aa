// Archives compressed with what Bun has no decoder for, bzip2 and xz: by the programs of these names, as Docker does xz,
// each in a cage: no network, no capability, nobody's user.
import { systemError } from "../base/errors.ts";
import { feed } from "./feed-worker.ts";
import { WORKER_ENVIRONMENT } from "./worker/confine.ts";

const PROGRAMS = [
  { magic: Buffer.from("BZh"), command: ["bzip2", "-dc"] },
  // A dictionary of a stranger's choice must not take all memory.
  { magic: Buffer.from("\xfd7zXZ\0", "latin1"), command: ["xz", "-dc", "--memlimit-decompress=256MiB"] },
];
const LONGEST_MAGIC = 6;

const CAGE = [
  ...["unshare", "--net", "--"],
  ...["setpriv", "--no-new-privs", "--pdeathsig=KILL", "--inh-caps=-all", "--bounding-set=-all"],
  ...["--reuid=65534", "--regid=65534", "--clear-groups", "--"],
];

/** Passes an archive on, without its compression where that is bzip2 or xz. Errors: system, in Docker's words when the program is missing. */
export async function* decompressed(archive: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const chunks = archive[Symbol.asyncIterator]();
  let head: Uint8Array = new Uint8Array();
  while (head.length < LONGEST_MAGIC) {
    const { done, value } = await chunks.next();
    if (done) break;
    head = head.length === 0 ? value : Buffer.concat([head, value]);
  }
  const whole = joined(head, { [Symbol.asyncIterator]: () => chunks });
  const program = PROGRAMS.find(({ magic }) => magic.equals(head.subarray(0, magic.length)));
  if (program) yield* through(program.command, whole);
  else yield* whole;
}

async function* joined(head: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (head.length > 0) yield head;
  yield* rest;
}

/**
 * Decompresses one open file into another (a pipe). Errors: system, in Docker's words when the program is missing.
 */
export function startDecompressor(name: "bzip2" | "xz", input: number, output: number): Bun.Subprocess {
  const { command } = PROGRAMS.find(({ command: [program] }) => program === name) ?? { command: [name] };
  requireProgram(name);
  const stdio: [number, number, "ignore"] = [input, output, "ignore"];
  return Bun.spawn([...CAGE, ...command], { cwd: "/", env: WORKER_ENVIRONMENT, stdio });
}

function requireProgram(name: string): void {
  if (!Bun.which(name, { PATH: WORKER_ENVIRONMENT.PATH }))
    throw systemError(`exec: ${JSON.stringify(name)}: executable file not found in $PATH`);
}

async function* through(command: string[], input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const [name = ""] = command;
  requireProgram(name);
  const child = Bun.spawn([...CAGE, ...command], {
    cwd: "/",
    env: WORKER_ENVIRONMENT,
    stdio: ["pipe", "pipe", "pipe"],
  });
  const errors = child.stderr.text();
  const feeding = feed(child, input);
  feeding.catch(() => {}); // Told below, when the output has ended
  try {
    for await (const chunk of child.stdout) yield chunk;
    await feeding;
    if ((await child.exited) !== 0)
      throw systemError((await errors).trim() || `${name} ended with ${child.signalCode ?? child.exitCode}`);
  } finally {
    child.kill("SIGKILL");
    await child.exited;
  }
}
