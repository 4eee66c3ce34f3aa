// Which exporter makes what: `--output type=…`.
import { notImplemented } from "../../base/errors.ts";
import type { BuildHost } from "../types.ts";
import { archiveExporter } from "./archive.ts";
import type { Exporter } from "./exporter.ts";
import { folderExporter, tarExporter } from "./files.ts";
import { imageExporter } from "./image.ts";

export interface ExporterRequest {
  type: string;
  attributes: Readonly<Record<string, string>>;
}

/** Errors: invalid for options, not-implemented for a type that isn't built. */
export function openExporter({ type, attributes }: ExporterRequest, host: BuildHost): Exporter {
  switch (type) {
    case "image":
      return imageExporter(attributes, host);
    case "moby": // What Docker's clients call its own store; dockerd adds this itself
      return imageExporter({ ...attributes, unpack: "true" }, host);
    case "oci":
    case "docker":
      return archiveExporter(type, attributes, host);
    case "local":
      return folderExporter(attributes, host);
    case "tar":
      return tarExporter(attributes, host);
    default:
      throw notImplemented(
        `exporter "${type}" could not be found: Berth has image, oci, docker, local and tar`,
      );
  }
}
