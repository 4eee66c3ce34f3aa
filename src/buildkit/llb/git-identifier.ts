// How a git source is named: `git://host/path#ref:folder`, the same for every protocol by which it can be fetched.
import { posix } from "node:path";

const SCP_STYLE = /^[a-zA-Z0-9-_]+@([a-zA-Z0-9-.]+):([^?#]*)$/;

export interface GitIdentifier {
  /** Behind `git://`. */
  readonly identifier: string;
  /** For git. */
  readonly url: string;
  readonly isSsh: boolean;
}

export function gitIdentifier(remote: string, ref: string, folder: string): GitIdentifier {
  const within = posix.join("/", folder).replace(/^\/+|\/+$/g, "");
  const place = placeOf(remote);
  if (!place) return { identifier: remote, url: remote, isSsh: false };
  const fragment = ref || within ? `#${ref}${within ? `:${within}` : ""}` : "";
  const { host, path, url, isSsh } = place;
  return { identifier: `${host}${posix.join("/", path)}${fragment}`, url, isSsh };
}

function placeOf(remote: string): { host: string; path: string; url: string; isSsh: boolean } | undefined {
  const scp = SCP_STYLE.exec(remote);
  if (scp) return { host: scp[1] ?? "", path: scp[2] ?? "", url: remote, isSsh: true };
  const url = remote.includes("://") ? remote : `https://${remote}`;
  const [, scheme = "", authority = "", path = ""] = /^([a-zA-Z0-9]+):\/\/([^/?#]*)([^?#]*)/.exec(url) ?? [];
  if (!["http", "https", "ssh", "git"].includes(scheme.toLowerCase())) return undefined;
  const host = authority.slice(authority.lastIndexOf("@") + 1);
  return { host, path, url: url.replace(/[?#].*$/s, ""), isSsh: scheme.toLowerCase() === "ssh" };
}
