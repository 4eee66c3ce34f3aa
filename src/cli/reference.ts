// Image names as people write them (distribution/reference): `busybox` is docker.io/library/busybox:latest.

/** What a name is made of. `name` is whole (`docker.io/library/busybox`). */
export interface ImageReference {
  name: string;
  domain: string;
  path: string;
  tag?: string;
  digest?: string;
}

const DOMAIN =
  /^(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*(?::[0-9]+)?$|^\[[a-fA-F0-9:]+\](?::[0-9]+)?$/;
const PATH = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/;

/** Parses a name; throws with Docker's words for what is wrong with it. */
export function parseReference(text: string): ImageReference {
  if (/^[a-f0-9]{64}$/.test(text)) {
    throw new Error(`invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`);
  }
  const at = text.indexOf("@");
  const named = at < 0 ? text : text.slice(0, at);
  const digest = at < 0 ? undefined : text.slice(at + 1);
  const colon = named.lastIndexOf(":");
  const hasTag = colon > named.lastIndexOf("/");
  const tag = hasTag ? named.slice(colon + 1) : undefined;
  const { domain, path } = splitDomain(hasTag ? named.slice(0, colon) : named);
  // Docker's parser takes what is before the first colon for the name here.
  if (/[A-Z]/.test(path.split(":")[0] ?? "")) {
    throw new Error(`invalid reference format: repository name (${path}) must be lowercase`);
  }
  const fits =
    DOMAIN.test(domain) &&
    PATH.test(path) &&
    (tag === undefined || TAG.test(tag)) &&
    (digest === undefined || DIGEST.test(digest));
  if (!fits) throw new Error("invalid reference format");
  return { name: `${domain}/${path}`, domain, path, tag, digest };
}

/** Docker Hub's names may leave out the domain, and its official ones `library/`. */
function splitDomain(name: string): { domain: string; path: string } {
  const slash = name.indexOf("/");
  const first = slash < 0 ? "" : name.slice(0, slash);
  const isDomain =
    /[.:]/.test(first) || first === "localhost" || (first !== "" && first.toLowerCase() !== first);
  let domain = isDomain ? first : "docker.io";
  let path = isDomain ? name.slice(slash + 1) : name;
  if (domain === "index.docker.io") domain = "docker.io";
  if (domain === "docker.io" && !path.includes("/")) path = `library/${path}`;
  return { domain, path };
}

/** The short form of a repository's name: `busybox` for docker.io/library/busybox. */
export function familiar(name: string): string {
  return name.replace(/^docker\.io\//, "").replace(/^library\/(?=[^/]+$)/, "");
}

/** The short form of a whole reference. */
export function familiarText({ name, tag, digest }: ImageReference): string {
  return `${familiar(name)}${tag ? `:${tag}` : ""}${digest ? `@${digest}` : ""}`;
}

/** With the tag `latest` where it has neither tag nor digest. */
export function withDefaultTag(reference: ImageReference): ImageReference {
  return reference.tag || reference.digest ? reference : { ...reference, tag: "latest" };
}

/** Whether a name, as it was typed, may be answered with an image that comes with Berth. */
export const isBuiltInName = (text: string): boolean => /^(?:hello-world|busybox)(?::latest)?$/.test(text);
