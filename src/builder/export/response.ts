// What the answer to a client says of an image.
import { encodeJson } from "../../oci/json.ts";
import type { ExporterResponse } from "../types.ts";
import type { StoredImage } from "./image-writer.ts";

/** `name`: names with commas between; empty: none is told of. */
export function imageResponse({ target, config }: StoredImage, name: string): ExporterResponse {
  return {
    "containerimage.digest": target.digest,
    ...(config && { "containerimage.config.digest": config.digest }),
    "containerimage.descriptor": Buffer.from(encodeJson(target)).toString("base64"),
    ...(name && { "image.name": name }),
  };
}
