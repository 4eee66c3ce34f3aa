// A mount of another host's file system, made by a process of its own in the host's mount namespace: the kernel may wait minutes for
// the server, and the daemon's loop may not.
import { selfCommand } from "../base/self.ts";
import { WORKER_ENVIRONMENT, workerEnd } from "./worker/confine.ts";

export interface MountRequest {
  source: string;
  target: string;
  type: string;
  flags: number;
  data: string;
}

/** Milliseconds: what nfs itself waits for a server by default is three minutes and more. */
const LIMIT = 120_000;

/** Errors: system, with what the kernel said at the end of the text; given up after two minutes. */
export async function mountApart(request: MountRequest): Promise<void> {
  const worker = Bun.spawn(selfCommand("worker", "mount"), {
    cwd: "/",
    env: WORKER_ENVIRONMENT,
    stdio: [Buffer.from(JSON.stringify(request)), "ignore", "pipe"],
  });
  const limit = AbortSignal.timeout(LIMIT);
  const late = new Promise<never>((_, reject) =>
    limit.addEventListener("abort", () => reject(new Error("connection timed out"))),
  );
  // Not its end alone: a process may be where no signal reaches it.
  await Promise.race([workerEnd<null>("mount", worker, worker.stderr.text(), limit), late]);
}
