// What `imagetools inspect` prints: the name, and of an index its manifests. Facts: buildx, util/imagetools/printers.go.
import { formatPlatform } from "../../oci/platform.ts";
import { canonical, type Reference } from "../../oci/reference.ts";
import { type Descriptor, type Index, isIndex } from "../../oci/types.ts";
import type { RegistryManifest } from "../../sdk/index.ts";
import { alignTabs } from "../format/tab-writer.ts";
import { inOrder } from "./documents.ts";

const aligned = (lines: string[]): string =>
  alignTabs(lines.map((line) => `${line}\n`).join(""), { minWidth: 0, padding: 1 });

export function inspectionText(reference: Reference, root: RegistryManifest, index: Index): string {
  const head = aligned([
    `Name:\t${canonical(reference)}`,
    `MediaType:\t${root.mediaType}`,
    `Digest:\t${root.digest}`,
  ]);
  if (!isIndex(root.mediaType)) return head;
  return head + aligned(["\t", "Manifests:\t"]) + manifestsText(reference, index.manifests ?? []);
}

/** Lines are aligned as far as the next annotations, which are a table of their own. */
function manifestsText(reference: Reference, manifests: Descriptor[]): string {
  let text = "";
  let lines: string[] = [];
  for (const [at, one] of manifests.entries()) {
    const { platform, urls = [] } = one;
    if (at > 0) lines.push("\t");
    lines.push(
      `  Name:\t${canonical({ ...reference, digest: one.digest })}`,
      `  MediaType:\t${one.mediaType}`,
    );
    if (!platform) continue;
    const features = platform["os.features"] ?? [];
    lines.push(`  Platform:\t${formatPlatform(platform)}`);
    if (platform["os.version"]) lines.push(`  OSVersion:\t${platform["os.version"]}`);
    if (features.length > 0) lines.push(`  OSFeatures:\t${features.join(", ")}`);
    if (urls.length > 0) lines.push(`  URLs:\t${urls.join(", ")}`);
    const annotations = Object.entries(inOrder(one.annotations ?? {}));
    if (annotations.length === 0) continue;
    text += aligned([...lines, "  Annotations:\t"]);
    text += aligned(annotations.map(([key, value]) => `    ${key}:\t${value}`));
    lines = [];
  }
  return text + aligned(lines);
}
