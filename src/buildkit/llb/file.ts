// Steps that change files without running anything: copies, folders, files, links, removals.
import { posix } from "node:path";
import { create } from "@bufbuild/protobuf";
import { invalid } from "../../base/errors.ts";
import {
  type ChownOpt,
  ChownOptSchema,
  type FileAction as FileActionMessage,
  FileActionSchema,
  FileOpSchema,
  type UserOpt,
  UserOptSchema,
} from "../messages/ops_pb.ts";
import { cleanPath } from "../patterns/index.ts";
import type { InputList, Step, StepOptions, Tree } from "./types.ts";

/** `user`, `user:group`, names or numbers; or numbers alone. Names are looked up in the tree that is changed. */
export type Owner = string | { readonly uid: number; readonly gid: number };

interface Made {
  readonly owner?: Owner;
  /** Milliseconds since 1970; without it the time of the build. */
  readonly time?: number;
}

export interface CopyOptions extends Made {
  /** Permissions as a number, or as chmod(1) takes them: `u+x,go-w`. */
  readonly mode?: number | string;
  /** A link as source: what it leads to. */
  readonly followLinks?: boolean;
  /** Of a folder its content, not itself. */
  readonly contentsOnly?: boolean;
  /** Of a folder only what matches. */
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
  /** Paths in the source that must be there. */
  readonly required?: readonly string[];
  /** An archive is unpacked, as ADD does. */
  readonly unpack?: boolean;
  /** The destination's folders are made. */
  readonly createDestination?: boolean;
  /** The source is a pattern. */
  readonly wildcard?: boolean;
  /** A pattern may match nothing. */
  readonly emptyWildcard?: boolean;
  /** What is in the way is replaced, a folder by a file too. */
  readonly replace?: boolean;
}

export interface MkdirOptions extends Made {
  /** 0755 without it. */
  readonly mode?: number;
  /** Folders above it are made too; it may be there already. */
  readonly parents?: boolean;
}

export interface MkfileOptions extends Made {
  /** 0644 without it. */
  readonly mode?: number;
}

export interface RemoveOptions {
  readonly allowMissing?: boolean;
  readonly wildcard?: boolean;
}

type Action = NonNullable<FileActionMessage["action"]>;

/** One change; several make one step. */
export interface FileChange {
  /** What is copied from. */
  readonly from?: Tree;
  /** `base`: the number of the changed tree among the inputs. */
  encode(base: bigint): Action;
}

/** Copies from another tree. A destination with a slash at its end is a folder. Paths begin at the root. */
export function copy(from: Tree, source: string, destination: string, options: CopyOptions = {}): FileChange {
  const { mode, include = [], exclude = [], required = [], owner, time } = options;
  const encode = (base: bigint): Action => ({
    case: "copy",
    value: {
      $typeName: "pb.FileActionCopy",
      src: posix.join("/", cleanPath(source)),
      dest: destinationText(destination),
      ...ownerField(owner, base),
      mode: typeof mode === "number" ? mode : mode === undefined ? -1 : 0,
      modeStr: typeof mode === "string" ? mode : "",
      followSymlink: options.followLinks ?? false,
      dirCopyContents: options.contentsOnly ?? false,
      attemptUnpackDockerCompatibility: options.unpack ?? false,
      createDestPath: options.createDestination ?? false,
      allowWildcard: options.wildcard ?? false,
      allowEmptyWildcard: options.emptyWildcard ?? false,
      timestamp: nanoseconds(time),
      includePatterns: [...include],
      excludePatterns: [...exclude],
      alwaysReplaceExistingDestPaths: options.replace ?? false,
      requiredPaths: [...required],
    },
  });
  return { from, encode };
}

export function mkdir(path: string, { mode = 0o755, parents, owner, time }: MkdirOptions = {}): FileChange {
  const encode = (base: bigint): Action => ({
    case: "mkdir",
    value: {
      $typeName: "pb.FileActionMkDir",
      path: absolute(path),
      mode: mode & 0o777,
      makeParents: parents ?? false,
      ...ownerField(owner, base),
      timestamp: nanoseconds(time),
    },
  });
  return { encode };
}

export function mkfile(
  path: string,
  content: string | Uint8Array,
  { mode = 0o644, owner, time }: MkfileOptions = {},
): FileChange {
  const data = typeof content === "string" ? new TextEncoder().encode(content) : content;
  const encode = (base: bigint): Action => ({
    case: "mkfile",
    value: {
      $typeName: "pb.FileActionMkFile",
      path: absolute(path),
      mode: mode & 0o777,
      data,
      ...ownerField(owner, base),
      timestamp: nanoseconds(time),
    },
  });
  return { encode };
}

export function remove(path: string, { allowMissing, wildcard }: RemoveOptions = {}): FileChange {
  const value = {
    $typeName: "pb.FileActionRm" as const,
    path: absolute(path),
    allowNotFound: allowMissing ?? false,
    allowWildcard: wildcard ?? false,
  };
  return { encode: () => ({ case: "rm", value }) };
}

/** A symbolic link at `path` that leads to `target`. */
export function symlink(target: string, path: string, { owner, time }: Made = {}): FileChange {
  const encode = (base: bigint): Action => ({
    case: "symlink",
    value: {
      $typeName: "pb.FileActionSymlink",
      oldpath: target,
      newpath: path,
      ...ownerField(owner, base),
      timestamp: nanoseconds(time),
    },
  });
  return { encode };
}

/**
 * Changes files of a tree, in order. Errors: invalid, for no change.
 *
 * @example file(scratch(), [mkdir("/etc"), mkfile("/etc/motd", "hello\n"), copy(built, "/app", "/bin/")])
 */
export function file(
  base: Tree,
  changes: FileChange | readonly FileChange[],
  options: StepOptions = {},
): Tree {
  const list = "encode" in changes ? [changes] : changes;
  if (list.length === 0) throw invalid("action is required");
  const trees = [base, ...list.flatMap(({ from }) => from ?? [])];
  const step: Step = {
    inputs: trees.filter((tree) => tree.step !== undefined),
    options,
    platformSpecific: false,
    encode: (inputs) => ({ case: "file", value: encodeFile(base, list, inputs) }),
  };
  return { step, output: 0 };
}

/** Each change works on what the one before made: its number is that of the inputs and the changes before it. */
function encodeFile(base: Tree, changes: readonly FileChange[], inputs: InputList) {
  const root = inputs.number(base);
  const sources = changes.map(({ from }) => (from ? inputs.number(from) : -1n));
  const count = inputs.list.length;
  const actions = changes.map((change, index) =>
    create(FileActionSchema, {
      input: index === 0 ? root : BigInt(count + index - 1),
      secondaryInput: sources[index] ?? -1n,
      output: index === changes.length - 1 ? 0n : -1n,
      action: change.encode(root),
    }),
  );
  return create(FileOpSchema, { actions });
}

const absolute = (path: string): string => posix.join("/", cleanPath(path));

/** `/` and `/.` at the end say that it is a folder. */
function destinationText(path: string): string {
  const clean = absolute(path);
  if (path.endsWith("/") && clean !== "/") return `${clean}/`;
  if (path.endsWith("/.")) return clean === "/" ? "/." : `${clean}/.`;
  return clean;
}

const nanoseconds = (time: number | undefined): bigint =>
  time === undefined ? -1n : BigInt(Math.trunc(time)) * 1_000_000n;

function ownerField(owner: Owner | undefined, base: bigint): { owner?: ChownOpt } {
  if (owner === undefined) return {};
  if (typeof owner === "object")
    return { owner: create(ChownOptSchema, { user: byId(owner.uid), group: byId(owner.gid) }) };
  const colon = owner.indexOf(":");
  const user = userOf(colon < 0 ? owner : owner.slice(0, colon), base);
  const group = colon < 0 ? undefined : userOf(owner.slice(colon + 1), base);
  return { owner: create(ChownOptSchema, { user, ...(group && { group }) }) };
}

const byId = (value: number): UserOpt => create(UserOptSchema, { user: { case: "byId", value } });

function userOf(text: string, base: bigint): UserOpt {
  if (text === "root") return byId(0);
  if (/^[+]?\d{1,10}$/.test(text) && Number(text) <= 0x7fffffff) return byId(Number(text));
  // Go leaves an empty name out, and with it the choice of a name or a number: 0.
  if (text === "") return byId(0);
  return create(UserOptSchema, {
    user: { case: "byName", value: { $typeName: "pb.NamedUserOpt", name: text, input: base } },
  });
}
