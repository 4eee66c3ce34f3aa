// What is installed in a result, as SPDX 2.3 (spdx.github.io/spdx-spec/v2.3), by a scanner of our own.
import { digestOf, hexOf } from "../../../oci/digest.ts";
import { encodeJson } from "../../../oci/json.ts";
import { type FoundPackages, packagesInView } from "../../../store/index.ts";
import type { View } from "../../types.ts";

type FoundPackage = FoundPackages["packages"][number];

export interface SbomOptions {
  /** What the document is of: an image's name, or a platform. */
  name: string;
  /** ISO 8601. */
  created: string;
}

const NONE = "NOASSERTION";
const ROOT = "SPDXRef-DocumentRoot";

/** The document of a tree. Errors: system. */
export async function sbomPredicate(view: View, options: SbomOptions, signal: AbortSignal): Promise<object> {
  const found = await packagesInView({ root: view.path, readOnly: true, mounts: [] }, signal);
  return spdxDocument(found, options);
}

/** The same packages, name and time give the same document. */
export function spdxDocument(found: FoundPackages, { name, created }: SbomOptions): object {
  const packages = unique(found.packages).map((one) => spdxPackage(one, found.system));
  const system = found.system && operatingSystem(found.system);
  const all = [
    {
      name,
      SPDXID: ROOT,
      downloadLocation: NONE,
      filesAnalyzed: false,
      licenseConcluded: NONE,
      licenseDeclared: NONE,
      copyrightText: NONE,
      primaryPackagePurpose: "CONTAINER",
    },
    ...(system ? [system] : []),
    ...packages,
  ];
  const relation = (from: string, relationshipType: string, to: string) => ({
    spdxElementId: from,
    relationshipType,
    relatedSpdxElement: to,
  });
  const body = {
    packages: all,
    relationships: [
      relation("SPDXRef-DOCUMENT", "DESCRIBES", ROOT),
      ...all.slice(1).map(({ SPDXID }) => relation(ROOT, "CONTAINS", SPDXID)),
    ],
  };
  const comment = found.unread.map((what) => `the tree has a database of ${what}, which was not read`);
  return {
    spdxVersion: "SPDX-2.3",
    dataLicense: "CC0-1.0",
    SPDXID: "SPDXRef-DOCUMENT",
    name,
    documentNamespace: `https://berth.invalid/spdx/${hexOf(digestOf(encodeJson({ name, created, ...body })))}`,
    creationInfo: { creators: ["Tool: berth"], created },
    ...(comment.length > 0 && { comment: comment.join("; ") }),
    ...body,
  };
}

/** One that was found in several places is one. */
function unique(packages: readonly FoundPackage[]): FoundPackage[] {
  const known = new Map<string, FoundPackage>();
  for (const one of packages) {
    const key = `${one.type} ${one.name} ${one.version} ${one.architecture ?? ""}`;
    if (!known.has(key)) known.set(key, one);
  }
  return [...known].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
}

const idOf = (...parts: string[]): string =>
  `SPDXRef-${parts.join("-").replace(/[^A-Za-z0-9.-]+/g, "-")}-${hexOf(digestOf(parts.join("\0"))).slice(0, 12)}`;

function operatingSystem({ id, version, name }: NonNullable<FoundPackages["system"]>) {
  return {
    name: id,
    SPDXID: idOf("OperatingSystem", id, version),
    ...(version && { versionInfo: version }),
    downloadLocation: NONE,
    filesAnalyzed: false,
    licenseConcluded: NONE,
    licenseDeclared: NONE,
    copyrightText: NONE,
    summary: name,
    primaryPackagePurpose: "OPERATING-SYSTEM",
  };
}

function spdxPackage(one: FoundPackage, system: FoundPackages["system"]) {
  const { type, name, version, license, supplier, homepage, source } = one;
  return {
    name,
    SPDXID: idOf("Package", type, name, version, one.architecture ?? ""),
    versionInfo: version,
    ...(supplier && { supplier: `Person: ${supplier}` }),
    downloadLocation: NONE,
    filesAnalyzed: false,
    ...(homepage && /^https?:\/\/\S+$/.test(homepage) && { homepage }),
    sourceInfo: `acquired package info from: /${source}`,
    licenseConcluded: NONE,
    licenseDeclared: license && isExpression(license) ? license : NONE,
    ...(license &&
      !isExpression(license) && { licenseComments: `the package says: ${license.slice(0, 200)}` }),
    copyrightText: NONE,
    externalRefs: [
      {
        referenceCategory: "PACKAGE-MANAGER",
        referenceType: "purl",
        referenceLocator: packageUrl(one, system),
      },
    ],
  };
}

/** SPDX's names of licenses have a version, but for a few. */
const IDENTIFIER =
  /^(?:MIT|ISC|Zlib|Unlicense|X11|curl|Ruby|Vim|WTFPL|NTP|OpenSSL|PostgreSQL|[A-Za-z]+(?:-[A-Za-z]+)*-\d[A-Za-z0-9.-]*\+?)$/;

function isExpression(license: string): boolean {
  const words = license.replace(/[()]/g, " ").trim().split(/\s+/);
  return (
    words.every((word, at) => (at % 2 === 1 ? /^(?:AND|OR|WITH)$/.test(word) : IDENTIFIER.test(word))) &&
    words.length % 2 === 1
  );
}

/** purl-spec. */
export function packageUrl(
  { type, name, version, architecture }: FoundPackage,
  system: FoundPackages["system"],
): string {
  const encode = (text: string) => encodeURIComponent(text).replaceAll("%3A", ":");
  const namespace =
    type === "deb" || type === "apk"
      ? `${encode(system?.id ?? (type === "deb" ? "debian" : "alpine"))}/`
      : "";
  const path = name.split("/").map(encode).join("/");
  const qualifiers = [
    ...(architecture ? [`arch=${encode(architecture)}`] : []),
    ...(namespace && system?.version ? [`distro=${encode(`${system.id}-${system.version}`)}`] : []),
  ];
  return `pkg:${type}/${namespace}${path}@${encode(version)}${qualifiers.length > 0 ? `?${qualifiers.join("&")}` : ""}`;
}
