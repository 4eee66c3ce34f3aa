// The process of an exec: the container's own, with the exec's command, environment, user and privileges.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { BerthError, invalid } from "../../base/errors.ts";
import { EXEC_REFUSED, StartFailure } from "../runtime-errors.ts";
import type { ExecProcessRequest, ProcessSpec } from "../types.ts";
import { capabilitySets } from "./capabilities.ts";
import { exactNumbers } from "./exact-json.ts";
import { accountFiles, passwdIsMounted } from "./look-up.ts";
import { environmentOf } from "./process.ts";
import type { Process, Spec } from "./spec.ts";
import { homeOf, type ResolvedUser, resolveUser } from "./user.ts";

/**
 * Reads the container's config.json and, for another user, the account files in its root. Errors: invalid for a user
 * that isn't there. The answer's `oci` is the runtime-spec process for `crun exec --process`.
 */
export async function buildExecProcess(
  request: ExecProcessRequest,
  available: string[],
): Promise<ProcessSpec> {
  const { bundle, rootfs, exec } = request;
  const { process, hostname, mounts } = JSON.parse(
    await readFile(join(bundle, "config.json"), "utf8"),
    exactNumbers,
  ) as Spec;
  const resolved = exec.user
    ? resolveUser(exec.user, request.hostConfig.GroupAdd, accountFiles(rootfs))
    : sameUser(process, rootfs);
  const mounted = await passwdIsMounted(rootfs, mounts);
  const oci = execProcess(
    process,
    hostname,
    request,
    mounted ? { user: resolved.user } : resolved,
    available,
  );
  return {
    args: oci.args,
    env: oci.env,
    cwd: oci.cwd,
    user: { ...oci.user, additionalGids: oci.user.additionalGids ?? [] },
    terminal: exec.tty,
    privileged: exec.privileged,
    oci: { ...oci },
  };
}

/** The container's own. A passwd file that can't be searched is left to the runtime, as it is for no name. */
function sameUser({ user }: Process, rootfs: string): ResolvedUser {
  try {
    return { user, home: homeOf(accountFiles(rootfs).passwd, user.uid) };
  } catch (error) {
    if (error instanceof BerthError) return { user };
    throw error;
  }
}

/** The pure part. Rights and limits are the container's; a privileged exec gets all capabilities that can be given. */
export function execProcess(
  container: Process,
  hostname: string | undefined,
  { config, exec, linkEnvironment }: ExecProcessRequest,
  { user, home }: ResolvedUser,
  available: string[],
): Process {
  if (exec.cmd.length === 0) throw invalid("No exec command specified");
  const cwd = exec.workingDir || config.WorkingDir || "/";
  // Before the runtime is asked: crun would take it from the container's root, runc refuses it.
  if (!cwd.startsWith("/")) throw new StartFailure(`${EXEC_REFUSED}Cwd must be an absolute path`, 128);
  const { consoleSize: _theirs, terminal: _too, ...inherited } = container;
  return {
    ...inherited,
    user,
    args: exec.cmd,
    env: environmentOf(config, {
      hostname: hostname ?? config.Hostname ?? "",
      terminal: exec.tty,
      home,
      links: linkEnvironment,
      more: exec.env,
    }),
    cwd,
    ...(exec.privileged && { capabilities: capabilitySets(available) }),
    ...(exec.tty && { terminal: true }),
    ...(exec.tty &&
      exec.consoleSize && { consoleSize: { height: exec.consoleSize[0], width: exec.consoleSize[1] } }),
  };
}
