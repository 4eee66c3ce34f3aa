// What a build attests of its result, for each platform, as its client asks.
import type { Definition } from "../../../buildkit/messages/ops_pb.ts";
import type { ExportedPlatform } from "../../types.ts";
import { type BuildFacts, provenancePredicate } from "./provenance.ts";
import { type AttestationRequest, readAttestations } from "./request.ts";
import { sbomPredicate } from "./sbom.ts";
import { type Attestation, PREDICATE } from "./types.ts";

export { type AttestationRequest, type BuildFacts, readAttestations };

/** What is asked for, made when an exporter writes it. */
export function attestationsOf(
  { provenance, sbom }: AttestationRequest,
  platform: ExportedPlatform,
  {
    facts,
    definition,
    signal,
  }: { facts: BuildFacts; definition: Definition | undefined; signal: AbortSignal },
): Attestation[] {
  const attestations: Attestation[] = [];
  const { ref } = platform;
  if (sbom && ref) {
    attestations.push({
      predicateType: PREDICATE.spdx,
      path: "sbom.spdx.json",
      inlineOnly: false,
      async predicate() {
        await using view = await ref.view();
        const name = platform.id || "sbom";
        return await sbomPredicate(view, { name, created: seconds(facts.startedAt) }, signal);
      },
    });
  }
  if (provenance)
    attestations.push({
      predicateType: provenance.version === "v1" ? PREDICATE.provenance1 : PREDICATE.provenance02,
      path: provenance.filename,
      inlineOnly: provenance.inlineOnly,
      predicate: async ({ layers }) =>
        provenancePredicate(
          facts,
          definition,
          provenance,
          layers?.map(({ descriptor }) => descriptor),
        ),
    });
  return attestations;
}

/** SPDX's times have no fractions. */
const seconds = (time: Date): string => time.toISOString().replace(/\.\d+Z$/, "Z");
