// Which record a person means: by name, name@digest, id, or the beginning of an id, as Docker resolves them.
import { invalid, notFound } from "../base/errors.ts";
import { type Digest, hexOf } from "../oci/digest.ts";
import {
  canonical,
  familiar,
  parseAnyReference,
  parseCanonical,
  type Reference,
  repositoryOf,
  withDefaultTag,
} from "../oci/reference.ts";
import type { ImageRecord, ImageRecords } from "../store/types.ts";

const DANGLING = "<none>@";

/** The name of a record that has no name of a person's: it keeps an untagged image. */
export const danglingName = (digest: Digest): string => DANGLING + digest;
export const isDangling = (record: Pick<ImageRecord, "name">): boolean => record.name.startsWith(DANGLING);

/** A record's parsed name; undefined for a dangling one. */
export const referenceOf = (record: Pick<ImageRecord, "name">): Reference | undefined =>
  isDangling(record) ? undefined : parseCanonical(record.name);

/** What a record is called in messages: `busybox:latest`, or its digest. */
export function familiarOf(record: Pick<ImageRecord, "name" | "target">): string {
  const reference = referenceOf(record);
  return reference ? familiar(reference) : record.target.digest;
}

export const shortDigest = (digest: Digest): string => hexOf(digest).slice(0, 12);

/** "No such image: X", with the tag that was meant. */
export function noSuchImage(text: string): Error {
  const parsed = parseAnyReference(text);
  const name = "digest" in parsed ? parsed.digest : familiar(withDefaultTag(parsed.reference));
  return notFound(`No such image: ${name}`);
}

/** The hex digits of what could be the beginning of an id: 4 to 64 of them, with or without "sha256:". */
function idPrefix(text: string): string | undefined {
  const hex = text.startsWith("sha256:") ? text.slice("sha256:".length) : text;
  return /^[a-f0-9]{4,64}$/.test(hex) ? hex : undefined;
}

const startsWithId = (record: ImageRecord, hex: string): boolean =>
  hexOf(record.target.digest).startsWith(hex);

/** Whether a text names an id (or the beginning of one) rather than a repository. */
export const isIdOf = (digest: Digest, text: string): boolean =>
  digest.startsWith(text) || hexOf(digest).startsWith(text);

/** The record for a name, id or prefix. Errors: invalid, not-found "No such image: X" or "ambiguous reference". */
export function resolveRecord(images: ImageRecords, text: string): ImageRecord {
  const dangling = text.startsWith(DANGLING) ? images.get(text) : undefined;
  if (dangling) return dangling;
  const parsed = parseAnyReference(text);
  if ("digest" in parsed || parsed.reference.digest) {
    const digest = "digest" in parsed ? parsed.digest : parsed.reference.digest;
    const reference = "digest" in parsed ? undefined : parsed.reference;
    const found = images
      .byDigest(digest as Digest)
      .find((record) => !reference || sameRepository(referenceOf(record), reference));
    if (!found) throw noSuchImage(text);
    return found;
  }
  const named = images.get(canonical(withDefaultTag(parsed.reference)));
  if (named) return named;
  const hex = idPrefix(text);
  const candidates = hex === undefined ? [] : images.all().filter((record) => startsWithId(record, hex));
  const [first] = candidates;
  if (!first) throw noSuchImage(text);
  if (candidates.some((record) => record.target.digest !== first.target.digest))
    throw notFound("ambiguous reference");
  return first;
}

/** The record that was named, and all records of the same image; `record` is undefined when an id was given. */
export interface ResolvedNames {
  record: ImageRecord | undefined;
  all: ImageRecord[];
}

/** As resolveRecord, for removal: which name was meant, and which others the image has. */
export function resolveNames(images: ImageRecords, text: string): ResolvedNames {
  const dangling = text.startsWith(DANGLING) ? images.get(text) : undefined;
  if (dangling) return { record: dangling, all: images.byDigest(dangling.target.digest) };
  const parsed = parseAnyReference(text);
  const exact = "digest" in parsed ? undefined : images.get(canonical(withDefaultTag(parsed.reference)));
  if (exact) return { record: exact, all: images.byDigest(exact.target.digest) };
  const digest = "digest" in parsed ? parsed.digest : parsed.reference.digest;
  if (digest) {
    const all = images.byDigest(digest);
    if (all.length === 0) throw noSuchImage(text);
    return { record: undefined, all };
  }
  const { target } = resolveRecord(images, text);
  return { record: undefined, all: images.byDigest(target.digest) };
}

export const sameRepository = (a: Reference | undefined, b: Reference): boolean =>
  a !== undefined && repositoryOf(a) === repositoryOf(b);

/** All tagged records of a repository, by tag. */
export const recordsOfRepository = (images: ImageRecords, reference: Reference): ImageRecord[] =>
  images.all().filter((record) => {
    const named = referenceOf(record);
    return named?.tag !== undefined && named.digest === undefined && sameRepository(named, reference);
  });

/** Checks the target of `tag`, where a digest can't be made and "sha256" would read like one. */
export function checkTagTarget(reference: Reference): Reference {
  if (reference.digest) throw invalid("refusing to create a tag with a digest reference");
  if (familiar({ domain: reference.domain, path: reference.path }) === "sha256")
    throw invalid("refusing to create an ambiguous tag using digest algorithm as name");
  return withDefaultTag(reference);
}

/** Tags and digests of an image as `RepoTags` and `RepoDigests` show them. */
export function namesOf(records: ImageRecord[]): { tags: string[]; digests: string[] } {
  const tags = new Set<string>();
  const digests = new Set<string>();
  for (const record of records) {
    const reference = referenceOf(record);
    if (!reference) continue;
    tags.add(familiar(reference));
    digests.add(familiar({ domain: reference.domain, path: reference.path, digest: record.target.digest }));
  }
  return { tags: [...tags], digests: [...digests] };
}
