// Git by ssh: with the client's agent, and the hosts' keys that the graph has (BuildKit, source/git; its frontend and clients ask
// for the keys as they make the graph, and where they got none any key will do).
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { SourceOp } from "../../buildkit/messages/ops_pb.ts";
import type { OperationEnvironment } from "../ops/environment.ts";
import { forwardAgent } from "../ops/ssh.ts";
import { scratchFolder } from "../solver/views.ts";

export interface SshAccess {
  /** GIT_SSH_COMMAND: nothing of the host's own settings, and no questions. */
  command: string;
  /** SSH_AUTH_SOCK. */
  agent?: string;
}

const PLAIN = "ssh -F /dev/null -o BatchMode=yes";

/** It is there as long as the build. Errors: not-found where the client has no such agent. */
export async function openSsh(op: SourceOp, environment: OperationEnvironment): Promise<SshAccess> {
  const id = op.attrs["git.mountsshsock"];
  const hosts = op.attrs["git.knownsshhosts"];
  if (id === undefined && hosts === undefined) return { command: PLAIN };
  const folder = scratchFolder(environment.host.store, "ssh");
  environment.untilEnd(() => rmSync(folder, { recursive: true, force: true }));
  const known = join(folder, "known_hosts");
  writeFileSync(known, hosts ?? "", { mode: 0o600 });
  const command = `${PLAIN} -o UserKnownHostsFile='${known}' -o StrictHostKeyChecking=${hosts ? "yes" : "no"}`;
  if (id === undefined) return { command };
  const agent = join(folder, "agent.sock");
  const forwarded = await forwardAgent(
    environment,
    { id, uid: 0, gid: 0, mode: 0o700, optional: false },
    agent,
  );
  environment.untilEnd(() => void forwarded?.[Symbol.asyncDispose]());
  return { command, agent };
}
