// CDI's edits made in a container's config.json.
import { posix } from "node:path";
import { messageOf, systemError } from "../../base/errors.ts";
import { nodeAt } from "../bundle/devices.ts";
import { mergeEnvironment } from "../bundle/process.ts";
import type { Device, Hook, Spec, SpecMount } from "../bundle/spec.ts";
import type { CdiDeviceNode, ContainerEdits } from "./types.ts";

/** Errors: system, for a device node that isn't on the host. */
export async function applyEdits(spec: Spec, edits: ContainerEdits): Promise<Spec> {
  const nodes = await Promise.all((edits.deviceNodes ?? []).map((node) => deviceOf(node)));
  const paths = new Set(nodes.map(({ device }) => device.path));
  const { process, linux } = spec;
  const gids = [...(process.user.additionalGids ?? []), ...(edits.additionalGids ?? []).filter(Boolean)];
  return {
    ...spec,
    process: {
      ...process,
      env: mergeEnvironment(process.env, edits.env ?? []),
      user: { ...process.user, ...(gids.length > 0 && { additionalGids: [...new Set(gids)] }) },
    },
    mounts: withMounts(spec.mounts, edits),
    ...((edits.hooks ?? []).length > 0 && { hooks: hooksOf(edits) }),
    linux: {
      ...linux,
      devices: [
        ...linux.devices.filter(({ path }) => !paths.has(path)),
        ...nodes.map(({ device }) => device),
      ],
      resources: {
        ...linux.resources,
        devices: [
          ...linux.resources.devices,
          ...nodes.flatMap(({ device: { type, major, minor }, access }) =>
            (type === "b" || type === "c") && access !== ""
              ? [{ allow: true, type: type as "b" | "c", major, minor, access }]
              : [],
          ),
        ],
      },
      ...(edits.intelRdt && { intelRdt: edits.intelRdt }),
      ...((edits.netDevices ?? []).length > 0 && {
        netDevices: Object.fromEntries(
          (edits.netDevices ?? []).map(({ hostInterfaceName, name }) => [hostInterfaceName, { name }]),
        ),
      }),
    },
  };
}

/** What the file leaves out is as it is on the host; the owner, where none is said, is root, as in Docker. */
async function deviceOf(node: CdiDeviceNode): Promise<{ device: Device; access: string }> {
  const { path, hostPath = path, permissions = "rwm" } = node;
  const access = permissions === "none" ? "" : permissions || "rwm";
  const uid = node.uid ?? 0;
  const gid = node.gid ?? 0;
  const own = { path, uid, gid, ...(node.fileMode !== undefined && { fileMode: node.fileMode & 0o7777 }) };
  if (node.type && (node.major || node.type === "p"))
    return {
      device: { ...own, type: node.type as Device["type"], major: node.major ?? 0, minor: node.minor ?? 0 },
      access,
    };
  const found = await nodeAt(hostPath).catch((error: NodeJS.ErrnoException) => {
    throw refused(error.code === "ENOENT" ? "no such file or directory" : messageOf(error));
  });
  if (!found) throw refused("not a device node");
  if (node.type && node.type !== found.type)
    throw systemError(
      `CDI device injection failed: failed to inject devices: CDI device (${JSON.stringify(path)}, ${JSON.stringify(hostPath)}), host type mismatch (${node.type}, ${found.type})`,
    );
  const numbers = node.major ? { major: node.major, minor: node.minor ?? 0 } : found;
  return { device: { ...own, type: found.type, major: numbers.major, minor: numbers.minor }, access };

  function refused(why: string) {
    return systemError(
      `CDI device injection failed: failed to inject devices: failed to stat CDI host device ${JSON.stringify(hostPath)}: ${why}`,
    );
  }
}

/** In the place of what was there; folders before what is below them. */
function withMounts(mounts: SpecMount[], { mounts: added = [] }: ContainerEdits): SpecMount[] {
  if (added.length === 0) return mounts;
  const depth = ({ destination }: SpecMount) => posix.normalize(destination).split("/").length;
  let all = mounts;
  for (const { hostPath, containerPath, options = [], type = "" } of added) {
    const bind = options.some((option) => option === "bind" || option === "rbind");
    all = [
      ...all.filter(({ destination }) => destination !== containerPath),
      { destination: containerPath, source: hostPath, type: type || (bind ? "bind" : ""), options },
    ];
  }
  return all.toSorted((a, b) => depth(a) - depth(b));
}

function hooksOf({ hooks = [] }: ContainerEdits): NonNullable<Spec["hooks"]> {
  const byName: Record<string, Hook[]> = {};
  for (const { hookName, path, args, env, timeout } of hooks) {
    const hook = {
      path,
      ...(args && { args }),
      ...(env && { env }),
      ...(timeout !== undefined && { timeout }),
    };
    byName[hookName] = [...(byName[hookName] ?? []), hook];
  }
  return byName;
}
