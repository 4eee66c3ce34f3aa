// What a scan of a tree finds installed.

export interface FoundPackage {
  /** Who installed it, in the words of package URLs (purl-spec, "Known types"). */
  type: "deb" | "apk" | "npm" | "pypi" | "golang";
  name: string;
  version: string;
  /** Of deb and apk; npm's scope is part of its name. */
  architecture?: string;
  /** SPDX's words where the package has them, else its own. */
  license?: string;
  /** Who is responsible for it. */
  supplier?: string;
  homepage?: string;
  /** Where it was read, without a slash at the front. */
  source: string;
}

export interface FoundPackages {
  /** os-release(5): ID, VERSION_ID, PRETTY_NAME. */
  system: { id: string; version: string; name: string } | undefined;
  packages: FoundPackage[];
  /** Databases that were seen and can't be read here: `rpm`. */
  unread: string[];
}
