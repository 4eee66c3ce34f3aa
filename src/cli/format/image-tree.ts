// `images --tree`: each image with the platforms that it holds below it.
import type { ImageManifestSummary, ImageSummary } from "../../sdk/index.ts";
import type { Output } from "../output.ts";
import { familiar } from "../reference.ts";
import { alignTabs } from "./tab-writer.ts";
import { humanSize, shortId } from "./units.ts";

/** Prints names, ids, the room on disk and in the content store, and whether a container uses it. */
export async function printImageTree(out: Output, images: ImageSummary[]): Promise<void> {
  const lines = ["IMAGE\tID\tDISK USAGE\tCONTENT SIZE\tEXTRA"];
  for (const image of [...images].sort((a, b) => b.Created - a.Created)) lines.push(...imageLines(image));
  await out.write(alignTabs(`${lines.join("\n")}\n`));
}

function imageLines(image: ImageSummary): string[] {
  const manifests = (image.Manifests ?? []).filter(({ Kind }) => Kind === "image");
  const used = manifests.some(isUsed);
  const names = (image.RepoTags ?? []).filter((tag) => !tag.includes("@")).map(familiar);
  const content = manifests.reduce((sum, { Size }) => sum + Size.Content, 0);
  const lines = names.slice(0, -1);
  lines.push(
    `${names.at(-1) ?? "<untagged>"}\t${shortId(image.Id)}\t${humanSize(image.Size, 3)}\t${humanSize(content, 3)}\t${used ? "U" : ""}`,
  );
  for (const [index, manifest] of manifests.entries()) {
    const corner = index === manifests.length - 1 ? "└─" : "├─";
    lines.push(
      `${corner} ${platformOf(manifest)}\t${shortId(manifest.ID)}\t${sizeOf(manifest.Size.Total)}\t${sizeOf(manifest.Size.Content)}\t${isUsed(manifest) ? "U" : ""}`,
    );
  }
  return lines;
}

const sizeOf = (bytes: number) => humanSize(bytes, 3);
const isUsed = ({ ImageData }: ImageManifestSummary) => (ImageData?.Containers ?? []).length > 0;

function platformOf({ ImageData }: ImageManifestSummary): string {
  const platform = ImageData?.Platform;
  return [platform?.os, platform?.architecture, platform?.variant].filter(Boolean).join("/") || "unknown";
}
