import { describe, expect, test } from "bun:test";
import { readAttestations } from "./request.ts";
import { packageUrl, spdxDocument } from "./sbom.ts";
import { imageUrl } from "./statement.ts";

const amd64 = { os: "linux", architecture: "amd64" };

test.each([
  ["busybox", "pkg:docker/busybox@latest?platform=linux%2Famd64"],
  ["foo/bar:1", "pkg:docker/foo/bar@1?platform=linux%2Famd64"],
  ["localhost:5000/a/b:x", "pkg:docker/localhost:5000/a/b@x?platform=linux%2Famd64"],
  [
    `alpine@sha256:${"a".repeat(64)}`,
    `pkg:docker/alpine?digest=sha256:${"a".repeat(64)}&platform=linux%2Famd64`,
  ],
])("the package URL of %s", (name, url) => expect(imageUrl(name, amd64)).toBe(url));

describe("what a client asks for", () => {
  test("provenance, in full unless it says otherwise", () => {
    expect(readAttestations({ "attest:provenance": "", other: "x" }).provenance).toEqual({
      mode: "max",
      version: "v0.2",
      builderId: "",
      reproducible: false,
      inlineOnly: false,
      filename: "provenance.json",
    });
    const asked = 'mode=min,inline-only=true,version=v1,"builder-id=a,b",reproducible=true';
    expect(readAttestations({ "attest:provenance": asked }).provenance).toMatchObject({
      mode: "min",
      version: "v1",
      builderId: "a,b",
      reproducible: true,
      inlineOnly: true,
    });
  });
  test.each([
    ["attest:provenance", "mode=some", 'invalid mode "some"'],
    ["attest:provenance", "version=v9", "invalid provenance SLSA version: v9"],
    ["attest:license", "", 'unknown attestation type "license"'],
    ["attest:sbom", "generator=me/mine", "the SBOM generator me/mine is not run by Berth"],
  ])("%s=%s is refused", (key, value, message) => {
    expect(() => readAttestations({ [key]: value })).toThrow(message);
  });
});

describe("SPDX", () => {
  const found = {
    system: { id: "debian", version: "12", name: "Debian 12" },
    packages: [
      { type: "deb" as const, name: "b", version: "1", license: "some words", source: "x" },
      { type: "npm" as const, name: "a", version: "2", license: "(MIT OR Apache-2.0)", source: "y" },
      { type: "npm" as const, name: "a", version: "2", source: "z" },
    ],
    unread: ["rpm"],
  };
  const options = { name: "made", created: "2024-01-01T00:00:00Z" };

  test("the same packages give the same document, each once", () => {
    const document = spdxDocument(found, options) as {
      packages: { name: string; licenseDeclared: string }[];
      comment: string;
    };
    const again = [found.packages[1]!, found.packages[0]!];
    expect(spdxDocument({ ...found, packages: again }, options) as typeof document).toEqual(document);
    expect(document.packages.map(({ name, licenseDeclared }) => `${name} ${licenseDeclared}`)).toEqual([
      "made NOASSERTION",
      "debian NOASSERTION",
      "b NOASSERTION",
      "a (MIT OR Apache-2.0)",
    ]);
    expect(document.comment).toContain("rpm");
  });

  test("package URLs", () => {
    expect(packageUrl({ type: "golang", name: "a.org/b/v2", version: "v2.0.0", source: "" }, undefined)).toBe(
      "pkg:golang/a.org/b/v2@v2.0.0",
    );
    expect(
      packageUrl({ type: "apk", name: "musl", version: "1", architecture: "x86_64", source: "" }, undefined),
    ).toBe("pkg:apk/alpine/musl@1?arch=x86_64");
  });
});
