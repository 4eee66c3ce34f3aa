// Which attestations a client asks for: `attest:provenance`, `attest:sbom` with options (BuildKit, frontend/attestations/parse.go).
import { invalid, notImplemented } from "../../../base/errors.ts";
import { flagOf } from "../image-options.ts";
import type { ProvenanceOptions } from "./provenance.ts";

export interface AttestationRequest {
  provenance?: ProvenanceOptions & { inlineOnly: boolean; filename: string };
  sbom?: true;
}

type Attributes = Readonly<Record<string, string>>;

/** What the client's build asks of the solver also asks for attestations by a build argument. */
const FORM = /^(?:attest:|build-arg:BUILDKIT_ATTEST_)(.+)$/;
const OUR_SCANNER = new Set(["", "docker/buildkit-syft-scanner:stable-1"]);

/** Errors: invalid for kinds, versions and modes that aren't; not-implemented for scanners that are images. */
export function readAttestations(attributes: Attributes): AttestationRequest {
  const request: AttestationRequest = {};
  for (const [key, value] of Object.entries(attributes)) {
    const kind = FORM.exec(key)?.[1]?.toLowerCase();
    if (kind === undefined) continue;
    const fields = fieldsOf(value);
    if (fields.disabled === "true") continue;
    if (kind === "provenance") request.provenance = provenanceOptions(fields);
    else if (kind === "sbom") request.sbom = checkScanner(fields);
    else throw invalid(`unknown attestation type ${JSON.stringify(kind)}`);
  }
  return request;
}

function provenanceOptions(fields: Attributes): AttestationRequest["provenance"] {
  const { mode = "max", version = "v0.2" } = fields;
  if (mode !== "min" && mode !== "max" && mode !== "full")
    throw invalid(`invalid mode ${JSON.stringify(mode)}`);
  if (version !== "v0.2" && version !== "v1") throw invalid(`invalid provenance SLSA version: ${version}`);
  return {
    mode: mode === "min" ? "min" : "max",
    version,
    builderId: fields["builder-id"] ?? "",
    reproducible: flagOf(fields, "reproducible", false),
    inlineOnly: flagOf(fields, "inline-only", false),
    filename: fields.filename ?? "provenance.json",
  };
}

function checkScanner({ generator = "" }: Attributes): true {
  if (!OUR_SCANNER.has(generator))
    throw notImplemented(
      `the SBOM generator ${generator} is not run by Berth, which reads packages itself: leave generator out`,
    );
  return true;
}

/** `a=b,"c=d,e"`: a line of comma-separated values, each a key with a value. */
function fieldsOf(text: string): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const [, quoted, plain = ""] of text.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)) {
    const field = quoted?.replaceAll('""', '"') ?? plain;
    if (!field) continue;
    const at = field.indexOf("=");
    fields[at < 0 ? field : field.slice(0, at)] = at < 0 ? "" : field.slice(at + 1);
  }
  return fields;
}
