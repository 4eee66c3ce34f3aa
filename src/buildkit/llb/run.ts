// Steps that run a command in a tree.
import { create } from "@bufbuild/protobuf";
import { invalid } from "../../base/errors.ts";
import {
  CacheSharingOpt,
  ExecOpSchema,
  type Mount as MountMessage,
  MountSchema,
  MountType,
  NetMode,
  SecurityMode,
} from "../messages/ops_pb.ts";
import { scratch } from "./sources.ts";
import type { InputList, Step, StepOptions, Tree } from "./types.ts";

/** Another tree in the command's; what is written to it is the tree of that name in `mounts` of the run. */
export interface BindMount {
  readonly type?: "bind";
  readonly target: string;
  /** Without it an empty one. */
  readonly from?: Tree;
  /** The path in it that is mounted. */
  readonly source?: string;
  readonly readOnly?: boolean;
  /** Writable, and what is written is thrown away. */
  readonly discard?: boolean;
}

/** A folder that stays from build to build. */
export interface CacheMount {
  readonly type: "cache";
  readonly target: string;
  readonly id: string;
  /** `shared` by commands at once; `locked`: one after the other; `private`: each gets one of its own. */
  readonly sharing?: "shared" | "private" | "locked";
  /** What is in it at first. */
  readonly from?: Tree;
  readonly source?: string;
  readonly readOnly?: boolean;
}

export interface TmpfsMount {
  readonly type: "tmpfs";
  readonly target: string;
  /** Bytes; 0: no limit. */
  readonly size?: number;
}

/** Owner and permissions of a secret's file, or of an agent's socket. */
export interface MountedFile {
  readonly uid?: number;
  readonly gid?: number;
  readonly mode?: number;
  /** The command runs also where the client has none. */
  readonly optional?: boolean;
}

export interface SecretMount extends MountedFile {
  readonly type: "secret";
  /** The client's name of it. */
  readonly id: string;
  /** The file that holds it; mode 0400. */
  readonly target: string;
}

export interface SshMount extends MountedFile {
  readonly type: "ssh";
  /** The client's name of the agent; "" is its default one. */
  readonly id?: string;
  /** The socket; without it /run/buildkit/ssh_agent.N. The first one is in SSH_AUTH_SOCK. */
  readonly target?: string;
}

export type RunMount = BindMount | CacheMount | TmpfsMount | SecretMount | SshMount;

export interface ProxyEnvironment {
  readonly http_proxy?: string;
  readonly https_proxy?: string;
  readonly ftp_proxy?: string;
  readonly no_proxy?: string;
  readonly all_proxy?: string;
}

export interface RunOptions extends StepOptions {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>> | Iterable<readonly [string, string]>;
  /** Absolute; `/` without it. */
  readonly cwd?: string;
  /** `name`, `uid`, `name:group`; root without it. */
  readonly user?: string;
  readonly hostname?: string;
  readonly network?: "default" | "none" | "host";
  readonly security?: "sandbox" | "insecure";
  readonly mounts?: readonly RunMount[];
  /** Secrets as variables. */
  readonly secretEnv?: readonly { readonly id: string; readonly name: string; readonly optional?: boolean }[];
  readonly extraHosts?: readonly { readonly host: string; readonly ip: string }[];
  readonly ulimits?: readonly { readonly name: string; readonly soft: number; readonly hard: number }[];
  /** Variables that are no part of what names the step. */
  readonly proxy?: ProxyEnvironment;
  readonly cgroupParent?: string;
  /** The command can't write to the tree; it is the run's root again. */
  readonly readOnlyRoot?: boolean;
  /** What ends well; 0 alone without it. */
  readonly exitCodes?: readonly number[];
}

/** What a command leaves. */
export interface RunResult {
  /** The tree in which it ran. */
  readonly root: Tree;
  /** The mounted trees by their targets, of mounts that can be written to. */
  readonly mounts: ReadonlyMap<string, Tree>;
}

interface Place {
  readonly target: string;
  readonly from: Tree;
  readonly mount: BindMount | CacheMount | TmpfsMount;
  readonly hasOutput: boolean;
}

/**
 * Runs a command in a tree. Errors: invalid, for no command.
 *
 * @example
 * const sources = local("context");
 * const built = run(image("golang"), {
 *   args: ["go", "build", "-o", "/out/app", "."],
 *   cwd: "/src",
 *   mounts: [{ target: "/src", from: sources, readOnly: true }, { target: "/out" }],
 * }).mounts.get("/out");
 */
export function run(root: Tree, options: RunOptions): RunResult {
  if (options.args.length === 0) throw invalid("arguments are required");
  const places = placesOf(root, options);
  const step: Step = {
    inputs: places.map(({ from }) => from).filter((tree) => tree.step !== undefined),
    options,
    platformSpecific: true,
    encode: (inputs) => ({ case: "exec", value: encodeRun(options, places, inputs) }),
  };
  const outputs = places.filter(({ hasOutput }) => hasOutput);
  const trees = new Map(outputs.map(({ target }, output) => [target, { step, output }]));
  const left = trees.get("/") ?? root;
  trees.delete("/");
  return { root: left, mounts: trees };
}

/** The root and the mounts of files, in the order of their targets, which is also that of the outputs. */
function placesOf(root: Tree, { mounts = [], readOnlyRoot = false }: RunOptions): Place[] {
  const places: Place[] = [
    { target: "/", from: root, mount: { target: "/", readOnly: readOnlyRoot }, hasOutput: !readOnlyRoot },
  ];
  for (const mount of mounts) {
    if (mount.type === "secret" || mount.type === "ssh") continue;
    const from = (mount.type !== "tmpfs" && mount.from) || scratch();
    const isBind = mount.type === undefined || mount.type === "bind";
    places.push({
      target: mount.target,
      from,
      mount,
      hasOutput: isBind && !mount.readOnly && !mount.discard,
    });
  }
  return places.sort((a, b) => Buffer.compare(Buffer.from(a.target), Buffer.from(b.target)));
}

function encodeRun(options: RunOptions, places: readonly Place[], inputs: InputList) {
  const { mounts = [], secretEnv = [] } = options;
  let output = 0;
  const encoded = places.map((place) => encodePlace(place, inputs, place.hasOutput ? output++ : -1));
  const sockets = mounts.filter((mount) => mount.type === "ssh");
  for (const mount of mounts) if (mount.type === "secret") encoded.push(encodeSecret(mount));
  encoded.push(...sockets.map(encodeSsh));
  return create(ExecOpSchema, {
    meta: encodeMeta(options, sockets),
    mounts: encoded,
    network: { default: NetMode.UNSET, none: NetMode.NONE, host: NetMode.HOST }[options.network ?? "default"],
    security: options.security === "insecure" ? SecurityMode.INSECURE : SecurityMode.SANDBOX,
    secretenv: secretEnv.map(({ id, name, optional = false }) => ({ id, name, optional })),
  });
}

const socketOf = (mount: SshMount, index: number): string =>
  mount.target || `/run/buildkit/ssh_agent.${index}`;

function encodeMeta(options: RunOptions, sockets: readonly SshMount[]) {
  const { env = [], proxy, cwd = "/", user = "", hostname = "", cgroupParent = "" } = options;
  const pairs = Symbol.iterator in env ? [...env] : Object.entries(env);
  const [first] = sockets;
  if (first && !pairs.some(([name]) => name === "SSH_AUTH_SOCK"))
    pairs.push(["SSH_AUTH_SOCK", socketOf(first, 0)]);
  return {
    args: [...options.args],
    env: pairs.map((pair) => pair.join("=")),
    cwd,
    user,
    hostname,
    cgroupParent,
    removeMountStubsRecursive: true,
    validExitCodes: [...(options.exitCodes ?? [])],
    extraHosts: (options.extraHosts ?? []).map(({ host, ip }) => ({ host, ip })),
    ulimit: (options.ulimits ?? []).map(({ name, soft, hard }) => ({
      name,
      soft: BigInt(soft),
      hard: BigInt(hard),
    })),
    ...(proxy && {
      proxyEnv: {
        httpProxy: proxy.http_proxy ?? "",
        httpsProxy: proxy.https_proxy ?? "",
        ftpProxy: proxy.ftp_proxy ?? "",
        noProxy: proxy.no_proxy ?? "",
        allProxy: proxy.all_proxy ?? "",
      },
    }),
  };
}

const SHARING = {
  shared: CacheSharingOpt.SHARED,
  private: CacheSharingOpt.PRIVATE,
  locked: CacheSharingOpt.LOCKED,
};

function encodePlace({ from, mount, target }: Place, inputs: InputList, output: number): MountMessage {
  const shared = { input: inputs.number(from), dest: target, output: BigInt(output) };
  if (mount.type === "tmpfs")
    return create(MountSchema, {
      ...shared,
      mountType: MountType.TMPFS,
      tmpfsOpt: { size: BigInt(mount.size ?? 0) },
    });
  const { readOnly = false, source: selector = "" } = mount;
  const files = { ...shared, readonly: readOnly, selector };
  if (mount.type !== "cache") return create(MountSchema, files);
  const cacheOpt = { id: mount.id, sharing: SHARING[mount.sharing ?? "shared"] };
  return create(MountSchema, { ...files, mountType: MountType.CACHE, cacheOpt });
}

const NO_FILES = { input: -1n, output: 0n };

function encodeSecret({ id, target, ...file }: SecretMount): MountMessage {
  const secretOpt = { id, ...fileOptions(file, 0o400) };
  return create(MountSchema, { ...NO_FILES, dest: target, mountType: MountType.SECRET, secretOpt });
}

function encodeSsh(mount: SshMount, index: number): MountMessage {
  const sshOpt = { id: mount.id ?? "", ...fileOptions(mount, 0o600) };
  const dest = socketOf(mount, index);
  return create(MountSchema, { ...NO_FILES, dest, mountType: MountType.SSH, sshOpt });
}

const fileOptions = ({ uid = 0, gid = 0, mode, optional = false }: MountedFile, usual: number) => ({
  uid,
  gid,
  mode: mode ?? usual,
  optional,
});
