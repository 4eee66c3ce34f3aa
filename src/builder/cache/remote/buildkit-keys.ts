// The keys that BuildKit itself gives to base images and to RUN without mounts, byte for byte (source/containerimage, solver/llbsolver/
// ops/exec.go, solver/cachemanager.go: rootKey). So far caches of its daemons and of ours have one another's steps; what takes files of
// the client's has not, since its checksums of files are others.
import type { ExecOp, Op } from "../../../buildkit/messages/ops_pb.ts";
import { MountType } from "../../../buildkit/messages/ops_pb.ts";
import { digestOf } from "../../../oci/digest.ts";
import { encodeJson } from "../../../oci/json.ts";
import type { Platform } from "../../../oci/types.ts";
import type { ImageIdentity } from "../../types.ts";

/** Of a record's first output. */
const recordDigest = (digest: string): string => digestOf(`${digest}@0`);

/** What a step takes of its root: all of it. */
export const ROOT_SELECTOR: string = digestOf("/");

/**
 * The records of an image: by what its name led to and the platform, and by its layers. BuildKit writes and looks for the second
 * only where it has nothing under the first, so a step may stand on either.
 */
export function imageRecords({ root, platform, chain, limit }: ImageIdentity): string[] {
  const { os, architecture, variant } = platform;
  const manifest = {
    Digest: root,
    OS: os,
    Arch: architecture,
    ...(variant && { Variant: variant }),
    ...(limit !== undefined && { Limit: limit }),
  };
  const keys = [digestOf(encodeJson(manifest)), ...(chain ? [chain] : [])];
  return keys.map((key) => recordDigest(digestOf(`buildkit.source.v0:${key}`)));
}

/** The record of a step; undefined for those whose keys aren't made here. */
export function execRecord({ op, platform }: Op, host: Platform): string | undefined {
  if (op.case !== "exec" || !isPlain(op.value)) return undefined;
  const { meta, network, security } = op.value;
  if (!meta || meta.extraHosts.length > 0 || meta.ulimit.length > 0) return undefined;
  const { os, architecture, variant } = platform ?? host;
  // In the order of Go's fields, without those that are empty.
  const json = {
    Type: "buildkit.exec.v0",
    Exec: {
      meta: {
        ...(meta.args.length > 0 && { args: meta.args }),
        ...(meta.env.length > 0 && { env: meta.env }),
        ...(meta.cwd && { cwd: meta.cwd }),
        ...(meta.user && { user: meta.user }),
        ...(meta.hostname && { hostname: meta.hostname }),
        ...(meta.cgroupParent && { cgroupParent: meta.cgroupParent }),
        ...(meta.removeMountStubsRecursive && { removeMountStubsRecursive: true }),
        ...(meta.validExitCodes.length > 0 && { validExitCodes: meta.validExitCodes }),
      },
      ...(network !== 0 && { network }),
      ...(security !== 0 && { security }),
    },
    OS: os,
    Arch: architecture,
    ...(variant && { Variant: variant }),
  };
  return recordDigest(digestOf(encodeJson(json)));
}

/** Over its root alone, which is written to. */
function isPlain({ mounts, secretenv, cdiDevices }: ExecOp): boolean {
  const [root, ...others] = mounts;
  return (
    root !== undefined &&
    others.length === 0 &&
    root.dest === "/" &&
    root.selector === "" &&
    !root.readonly &&
    root.mountType === MountType.BIND &&
    root.input === 0n &&
    root.output === 0n &&
    secretenv.length === 0 &&
    cdiDevices.length === 0
  );
}
