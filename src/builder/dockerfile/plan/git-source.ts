// Which sources of ADD, and which build contexts, are git repositories: `https://host/repo.git#ref:folder`,
// `git@host:repo.git`, `git://…`, `ssh://…`, with BuildKit's query parameters.

import { invalid } from "../../../base/errors.ts";
import { goBoolean } from "../../../base/go-boolean.ts";
import { quote } from "../go-text.ts";

export interface GitSource {
  /** For git: without fragment and query. */
  readonly remote: string;
  readonly ref: string;
  readonly folder: string;
  /** A commit that must be what the ref is; "": none. */
  readonly checksum: string;
  readonly keepGitDir?: boolean;
  readonly submodules?: boolean;
}

const PROTOCOL = /^([a-zA-Z0-9]+):\/\//;
/** user@host:path, as ssh and scp take it. */
const SCP_STYLE = /^([a-zA-Z0-9-_]+)@([a-zA-Z0-9-.]+):([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/;

/** The repository that `text` names; undefined for any other source. Errors: invalid, for a bad query. */
export function parseGitSource(text: string): GitSource | undefined {
  const protocol = PROTOCOL.exec(text)?.[1]?.toLowerCase();
  if (protocol !== undefined) return fromUrl(text, protocol);
  const scp = SCP_STYLE.exec(text);
  if (!scp) return undefined;
  const [, user = "", host = "", path = "", query = "", fragment = ""] = scp;
  return withQuery(`${user}@${host}:${path}`, fragment, query);
}

function fromUrl(text: string, protocol: string): GitSource | undefined {
  if (!["http", "https", "ssh", "git"].includes(protocol)) return undefined;
  const [, remote = "", query = "", fragment = ""] = /^([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s.exec(text) ?? [];
  const path = remote.slice(protocol.length + 3).replace(/^[^/]*/, "");
  if ((protocol === "http" || protocol === "https") && !path.endsWith(".git")) return undefined;
  return withQuery(remote, fragment, query);
}

/** A URL that is fetched as a file. */
export const isHttpSource = (text: string): boolean =>
  (text.startsWith("http://") || text.startsWith("https://")) && !isGitSource(text);

function isGitSource(text: string): boolean {
  try {
    return parseGitSource(text) !== undefined;
  } catch {
    return true;
  }
}

type Draft = { -readonly [Key in keyof GitSource]: GitSource[Key] };

function withQuery(remote: string, fragment: string, query: string): GitSource {
  const colon = fragment.indexOf(":");
  const source: Draft = {
    remote,
    ref: decoded(colon < 0 ? fragment : fragment.slice(0, colon)),
    folder: colon < 0 ? "" : decoded(fragment.slice(colon + 1)),
    checksum: "",
  };
  const parameters = new URLSearchParams(query);
  for (const key of new Set(parameters.keys())) applyParameter(source, key, parameters.getAll(key));
  const [tag, branch] = [parameters.get("tag"), parameters.get("branch")];
  if (tag && branch) throw invalid("branch conflicts with tag");
  if (tag) source.ref = merged(source.ref, prefixed("refs/tags/", tag), "ref");
  if (branch) source.ref = merged(source.ref, prefixed("refs/heads/", branch), "ref");
  return source;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const prefixed = (prefix: string, name: string): string => (name.startsWith(prefix) ? name : prefix + name);

function merged(before: string, value: string, what: "ref" | "subdir"): string {
  if (before !== "" && before !== value)
    throw invalid(`${what} conflicts: ${quote(before)} vs ${quote(value)}`);
  return value;
}

function applyParameter(source: Draft, key: string, values: readonly string[]): void {
  const [value = ""] = values;
  if (values.length > 1) throw invalid(`query ${quote(key)} has multiple values`);
  const isSwitch = key === "keep-git-dir" || key === "submodules";
  if (value === "" && !isSwitch) throw invalid(`query ${quote(key)} has no value`);
  if (isSwitch) {
    const on = value === "" ? true : goBoolean(value);
    if (on === undefined) throw invalid(`invalid ${key} value: ${quote(value)}`);
    source[key === "submodules" ? "submodules" : "keepGitDir"] = on;
  } else if (key === "ref") source.ref = merged(source.ref, value, "ref");
  else if (key === "subdir") source.folder = merged(source.folder, value, "subdir");
  else if (key === "checksum" || key === "commit") source.checksum = value;
  else if (key !== "tag" && key !== "branch") throw invalid(`unexpected query ${quote(key)}`);
}
