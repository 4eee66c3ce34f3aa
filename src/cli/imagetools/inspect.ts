// `imagetools inspect`: what a registry holds under a name.
import { parseReference, withDefaultTag } from "../../oci/reference.ts";
import type { Index } from "../../oci/types.ts";
import { builderName } from "../builder-name.ts";
import type { Session } from "../session.ts";
import { readImages } from "./inspected-image.ts";
import { inspectionText } from "./inspection-text.ts";
import { registryAccess } from "./registry.ts";

export interface InspectRequest {
  name: string;
  format: string;
  raw: boolean;
  builder: string;
}

/** buildx 0.29 shows templates that begin with this as if there were none, whatever of it they ask for. */
const WHOLE_MANIFEST = /^\{\{(?:- )?\s*\.Manifest/;

export async function inspectImage(session: Session, request: InspectRequest): Promise<void> {
  const { name, format, raw } = request;
  if (format && raw) throw new Error("format and raw cannot be used together");
  await builderName(session, request.builder);
  const reference = withDefaultTag(parseReference(name));
  const registry = await registryAccess(session);
  const root = await registry.manifest(reference);
  if (raw) return await session.out.write(root.bytes);
  const index = JSON.parse(new TextDecoder().decode(root.bytes)) as Index;
  if (!format || WHOLE_MANIFEST.test(format))
    return await session.out.write(inspectionText(reference, root, index));
  const wanted = { provenance: format.includes(".Provenance"), sbom: format.includes(".SBOM") };
  const images = await readImages(registry, reference, root, wanted);
  const { formatted } = await import("./inspection-fields.ts");
  await session.out.write(formatted(format, { name, root, index, images }));
}
