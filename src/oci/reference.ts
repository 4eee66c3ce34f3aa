// Names of images as people write them: the grammar of distribution/reference (reference.go, normalize.go), which every
// Docker client uses. "busybox" is short for docker.io/library/busybox:latest; that long form is what the store keeps.
import { invalid } from "../base/errors.ts";
import { type Digest, isDigest } from "./digest.ts";

/** A canonical name with a tag or digest, or neither: `docker.io/library/busybox:latest`. What records are keyed by. */
export type ImageRef = string & { readonly __brand: "ImageRef" };

/** A parsed and normalised name; `domain` and `path` are always there. */
export interface Reference {
  /** Host with its port, as `docker.io` or `localhost:5000`. */
  readonly domain: string;
  /** Repository below the host, as `library/busybox`. */
  readonly path: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

export const DEFAULT_DOMAIN = "docker.io";
const LEGACY_DOMAIN = "index.docker.io";
const OFFICIAL_PREFIX = "library/";
const DEFAULT_TAG = "latest";
const MAX_PATH = 255;

const COMPONENT = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
const HOST = `(?:${COMPONENT}(?:\\.${COMPONENT})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?`;
const PATH_COMPONENT = "[a-z0-9]+(?:(?:[._]|__|[-]+)[a-z0-9]+)*";
const PATH = `${PATH_COMPONENT}(?:/${PATH_COMPONENT})*`;
const TAG = "[\\w][\\w.-]{0,127}";
const DIGEST = "[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}";
const FULL = new RegExp(`^(?<name>(?:${HOST}/)?${PATH})(?::(?<tag>${TAG}))?(?:@(?<digest>${DIGEST}))?$`);
const NAME = new RegExp(`^(?:(?<domain>${HOST})/)?(?<path>${PATH})$`);
const ONLY_TAG = new RegExp(`^${TAG}$`);
const IDENTIFIER = /^[a-f0-9]{64}$/;

/**
 * Parses a name as people write it. Errors: invalid, in the words that Docker's clients know
 * ("invalid reference format", "… must be lowercase").
 */
export function parseReference(text: string): Reference {
  if (IDENTIFIER.test(text))
    throw invalid(`invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`);
  const { domain, rest } = splitDomain(text);
  const remote = rest.split(":", 1)[0] ?? "";
  if (remote.toLowerCase() !== remote)
    throw invalid(`invalid reference format: repository name (${remote}) must be lowercase`);
  return parseFull(`${domain}/${rest}`);
}

function parseFull(text: string): Reference {
  const parts = FULL.exec(text)?.groups;
  if (!parts) {
    if (FULL.test(text.toLowerCase())) throw invalid("repository name must be lowercase");
    throw invalid("invalid reference format");
  }
  const name = NAME.exec(parts.name ?? "")?.groups;
  const path = name?.path ?? "";
  if (path.length > MAX_PATH) throw invalid(`repository name must not be more than ${MAX_PATH} characters`);
  const { tag, digest } = parts;
  if (digest !== undefined && !isDigest(digest)) throw invalid(digestProblem(digest));
  return {
    domain: name?.domain ?? DEFAULT_DOMAIN,
    path,
    ...(tag !== undefined && { tag }),
    ...(digest !== undefined && { digest }),
  };
}

/** What is wrong with a digest of the right shape, in go-digest's words. */
function digestProblem(digest: string): string {
  const algorithm = digest.split(":", 1)[0] ?? "";
  if (algorithm !== "sha256" && algorithm !== "sha512") return "unsupported digest algorithm";
  const hex = digest.slice(algorithm.length + 1);
  return hex.length === (algorithm === "sha256" ? 64 : 128)
    ? "invalid checksum digest format"
    : "invalid checksum digest length";
}

/** The first part is a host when it could not be a repository: it has a dot or a port, is localhost, or has capitals. */
function splitDomain(text: string): { domain: string; rest: string } {
  const slash = text.indexOf("/");
  const first = slash < 0 ? "" : text.slice(0, slash);
  const isHost = slash >= 0 && (/[.:]/.test(first) || first === "localhost" || first.toLowerCase() !== first);
  const domain = !isHost || first === LEGACY_DOMAIN ? DEFAULT_DOMAIN : first;
  const rest = isHost ? text.slice(slash + 1) : text;
  return { domain, rest: domain === DEFAULT_DOMAIN && !rest.includes("/") ? OFFICIAL_PREFIX + rest : rest };
}

/** Host and repository, without tag and digest: `docker.io/library/busybox`. */
export const repositoryOf = (reference: Reference): string => `${reference.domain}/${reference.path}`;

/** The whole name in its long form. */
export function canonical(reference: Reference): ImageRef {
  const tag = reference.tag === undefined ? "" : `:${reference.tag}`;
  const digest = reference.digest === undefined ? "" : `@${reference.digest}`;
  return `${repositoryOf(reference)}${tag}${digest}` as ImageRef;
}

/** Host and repository as people are shown them: `busybox`, `user/app`, `localhost:5000/app`. */
export function familiarRepository(reference: Reference): string {
  if (reference.domain !== DEFAULT_DOMAIN) return repositoryOf(reference);
  const official = reference.path.slice(OFFICIAL_PREFIX.length);
  return reference.path.startsWith(OFFICIAL_PREFIX) && !official.includes("/") ? official : reference.path;
}

/** The whole name as people are shown it: `busybox:latest`. */
export function familiar(reference: Reference): string {
  const tag = reference.tag === undefined ? "" : `:${reference.tag}`;
  const digest = reference.digest === undefined ? "" : `@${reference.digest}`;
  return `${familiarRepository(reference)}${tag}${digest}`;
}

/** Adds `latest` to a name that has neither tag nor digest. */
export const withDefaultTag = (reference: Reference): Reference =>
  reference.tag === undefined && reference.digest === undefined
    ? { ...reference, tag: DEFAULT_TAG }
    : reference;

/** The same repository with another tag and no digest. Errors: invalid "invalid tag format". */
export function withTag(reference: Reference, tag: string): Reference {
  if (!ONLY_TAG.test(tag)) throw invalid("invalid tag format");
  return { domain: reference.domain, path: reference.path, tag };
}

/** The same repository at a digest, without a tag. */
export const withDigest = (reference: Reference, digest: Digest): Reference => ({
  domain: reference.domain,
  path: reference.path,
  digest,
});

/** Parses the long form that the store keeps (`docker.io/library/busybox:latest`). */
export const parseCanonical = (name: string): Reference => parseFull(name);

/**
 * What an image may be asked for by: a whole id ("sha256:…" or 64 hex digits), or a name. A short id can't be told
 * from a name by its form, so it comes back as a name.
 */
export function parseAnyReference(text: string): { digest: Digest } | { reference: Reference } {
  if (IDENTIFIER.test(text)) return { digest: `sha256:${text}` as Digest };
  if (isDigest(text)) return { digest: text };
  return { reference: parseReference(text) };
}
