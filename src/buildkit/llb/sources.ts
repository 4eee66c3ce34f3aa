// Steps that bring files from outside: images, folders of the client, git repositories, URLs.
import { goJson } from "../../base/go-json.ts";
import { canonical, parseReference, withDefaultTag } from "../../oci/reference.ts";
import { gitIdentifier } from "./git-identifier.ts";
import type { Step, StepOptions, Tree } from "./types.ts";

const SCRATCH: Tree = { step: undefined, output: 0 };

/** No files at all. */
export const scratch = (): Tree => SCRATCH;

/** A source by its identifier (`docker-image://…`) and attributes, as the protocol has them; empty ones are left out. */
export function source(
  identifier: string,
  attributes: Readonly<Record<string, string | undefined>> = {},
  options: StepOptions = {},
): Tree {
  const given = Object.entries(attributes).filter((pair): pair is [string, string] => Boolean(pair[1]));
  // In the order of their names: a map's order is part of the bytes that name the step.
  const attrs = Object.fromEntries(given.sort(([a], [b]) => (a < b ? -1 : 1)));
  const step: Step = {
    inputs: [],
    options,
    platformSpecific: /^(docker-image|oci-layout):\/\//.test(identifier),
    encode: () => ({ case: "source", value: { $typeName: "pb.SourceOp", identifier, attrs } }),
  };
  return { step, output: 0 };
}

export type ResolveMode = "default" | "pull" | "local";

export interface ImageOptions extends StepOptions {
  /** Whether a registry is asked: `pull` always, `local` never when the image is here. */
  readonly resolve?: ResolveMode;
}

/**
 * An image's files. `busybox` is short for docker.io/library/busybox:latest. Errors: invalid, for what is no name.
 *
 * @example run(image("alpine:3.20"), { args: ["apk", "add", "git"] }).root
 */
export function image(reference: string, { resolve, ...options }: ImageOptions = {}): Tree {
  const name = canonical(withDefaultTag(parseReference(reference)));
  const mode = resolve === "default" ? undefined : resolve;
  return source(`docker-image://${name}`, { "image.resolvemode": mode }, options);
}

export interface LocalOptions extends StepOptions {
  /** The client whose folder it is. */
  readonly session?: string;
  /** Names the folder where no session does. */
  readonly unique?: string;
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
  /** Only these paths, and what links on the way lead to; patterns too. */
  readonly followPaths?: readonly string[];
  /** Folders of one key are taken for versions of the same: only what changed is sent. */
  readonly sharedKey?: string;
  /** `none`: files are sent again without comparing. */
  readonly differ?: "none" | "metadata";
}

/** A folder of the client's, under the name that the client shares it by (`context`, `dockerfile`). */
export function local(name: string, options: LocalOptions = {}): Tree {
  const { session, unique, include, exclude, followPaths, sharedKey, differ, ...rest } = options;
  const attributes = {
    "local.session": session,
    "local.unique": session ? undefined : unique,
    "local.includepattern": listText(include),
    "local.excludepatterns": listText(exclude),
    "local.followpaths": listText(followPaths),
    "local.sharedkeyhint": sharedKey,
    "local.differ": differ,
  };
  return source(`local://${name}`, attributes, rest);
}

const listText = (list: readonly string[] = []): string | undefined =>
  list.length > 0 ? goJson(list) : undefined;

export interface GitOptions extends StepOptions {
  /** Branch, tag or commit; without it the repository's default branch. */
  readonly ref?: string;
  /** A folder in the repository. */
  readonly folder?: string;
  /** `.git` stays in the tree. */
  readonly keepGitDir?: boolean;
  readonly skipSubmodules?: boolean;
  /** The commit that the ref must be, or its beginning. */
  readonly checksum?: string;
  /** `commit`: files get the time of their commit. */
  readonly times?: "checkout" | "commit";
  /** Lines of known_hosts, for ssh. */
  readonly knownHosts?: string;
  /** The client's agent, for ssh; without it the default one. */
  readonly ssh?: string;
  /** Names of the client's secrets with a token, or a whole header. */
  readonly authToken?: string;
  readonly authHeader?: string;
}

/** A git repository, by a URL or as `git@host:path`. */
export function git(remote: string, options: GitOptions = {}): Tree {
  const { ref = "", folder = "", keepGitDir, skipSubmodules, checksum, times, ...others } = options;
  const { knownHosts, ssh, authToken = "GIT_AUTH_TOKEN", authHeader = "GIT_AUTH_HEADER", ...rest } = others;
  const { identifier, url, isSsh } = gitIdentifier(remote, ref, folder);
  const attributes = {
    "git.keepgitdir": keepGitDir ? "true" : undefined,
    "git.fullurl": url,
    "git.authtokensecret": authToken,
    "git.authheadersecret": authHeader,
    "git.knownsshhosts": isSsh ? knownHosts : undefined,
    "git.mountsshsock": isSsh ? ssh || "default" : undefined,
    "git.checksum": checksum,
    "git.skipsubmodules": skipSubmodules ? "true" : undefined,
    "git.mtime": times,
  };
  return source(`git://${identifier}`, attributes, rest);
}

export interface HttpOptions extends StepOptions {
  /** The file's name in the tree; without it the URL's last part. */
  readonly filename?: string;
  /** What the content must be, `sha256:…`. */
  readonly checksum?: string;
  /** Permissions. */
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** The client's secret with the header `Authorization`. */
  readonly authHeader?: string;
}

/** One file, by its URL. */
export function http(url: string, options: HttpOptions = {}): Tree {
  const { filename, checksum, mode, uid, gid, authHeader, ...rest } = options;
  const attributes = {
    "http.checksum": checksum,
    "http.filename": filename,
    "http.perm": mode ? `0${mode.toString(8)}` : undefined,
    "http.uid": uid ? String(uid) : undefined,
    "http.gid": gid ? String(gid) : undefined,
    "http.authheadersecret": authHeader,
  };
  return source(url, attributes, rest);
}

export interface OciLayoutOptions extends StepOptions {
  /** The client that has it, and which of its stores. */
  readonly session?: string;
  readonly store?: string;
}

/** An image from an OCI layout of the client's; `reference` must have a digest. */
export const ociLayout = (reference: string, { session, store, ...rest }: OciLayoutOptions = {}): Tree =>
  source(`oci-layout://${reference}`, { "oci.session": session, "oci.store": store }, rest);
