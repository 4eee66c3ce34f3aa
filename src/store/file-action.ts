// File actions as the worker takes them: BuildKit's FileOp (ops.proto) with its inputs resolved to mounted trees.
//
// Paths are the user's: absolute or not, with links and ".." in them; each is resolved inside its tree.

/** The tree that is written to, or one of those that are only read, by its number. */
export type FileRoot = "target" | number;

/** A name is looked up in /etc/passwd or /etc/group of a tree; one that isn't there is root, as in BuildKit. */
export type OwnerName = { byId: number } | { byName: string; in: FileRoot };

/** A user without a group brings its own. Neither: root. */
export interface Owner {
  user?: OwnerName;
  group?: OwnerName;
}

interface Made {
  owner?: Owner;
  /** Nanoseconds since 1970, as text; without it times stay as they are made, or as the source's. */
  timestamp?: string;
}

export interface CopyAction extends Made {
  type: "copy";
  /** Undefined: from nothing. */
  from: FileRoot | undefined;
  source: string;
  destination: string;
  /** Twelve bits; for all that is copied, and nine of them for folders made on the way. */
  mode?: number;
  /** As chmod(1) takes it: `u=rwX,go=rX`. Comes before `mode`. */
  modeText?: string;
  /** The source itself may be a link, which is followed. */
  followSymlink?: boolean;
  /** Of a folder what is in it, not itself. */
  directoryContents?: boolean;
  /** An archive is unpacked. */
  unpack?: boolean;
  /** Folders on the way to the destination are made. */
  createDestination?: boolean;
  allowWildcard?: boolean;
  allowEmptyWildcard?: boolean;
  includePatterns?: string[];
  excludePatterns?: string[];
  /** Whatever is in the way goes, unless folder meets folder. */
  replaceDestination?: boolean;
}

export interface MakeFolderAction extends Made {
  type: "mkdir";
  path: string;
  mode: number;
  makeParents?: boolean;
}

export interface MakeFileAction extends Made {
  type: "mkfile";
  path: string;
  mode: number;
  data: Uint8Array;
}

export interface MakeLinkAction extends Made {
  type: "symlink";
  /** What it says. */
  target: string;
  path: string;
}

export interface RemoveAction {
  type: "rm";
  path: string;
  allowNotFound?: boolean;
  allowWildcard?: boolean;
}

export type FileAction = CopyAction | MakeFolderAction | MakeFileAction | MakeLinkAction | RemoveAction;

/** What of a tree counts for a digest. */
export interface PathSelector {
  path: string;
  wildcard?: boolean;
  /** The path itself may be a link, which is followed. */
  followLinks?: boolean;
  includePatterns?: string[];
  excludePatterns?: string[];
  /** Each has to be there, or something below it. */
  requiredPaths?: string[];
}
