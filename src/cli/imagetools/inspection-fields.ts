// What `imagetools inspect --format` gives to templates: the fields of Go's structures under their names, each with the JSON
// that `json` makes of it.
import { goJson } from "../../base/go-json.ts";
import { compileTemplate, structOf } from "../../base/template/index.ts";
import { Stringer } from "../../base/template/values.ts";
import { type Descriptor, type ImageConfig, type Index, isIndex, type Platform } from "../../oci/types.ts";
import type { RegistryManifest } from "../../sdk/index.ts";
import { descriptorJson, imageJson, inOrder, plainStamp, runConfigJson } from "./documents.ts";
import type { InspectedImage } from "./inspected-image.ts";

export interface Inspection {
  /** As it was typed. */
  name: string;
  root: RegistryManifest;
  index: Index;
  images: Map<string, InspectedImage>;
}

/** Throws with Go's message for what is wrong with the template. */
export function formatted(format: string, inspection: Inspection): string {
  try {
    // A missing key is no value at all, which JSON has no text for.
    const functions = {
      json: ([value]: unknown[]) => goJson(typeof value === "symbol" ? null : (value ?? null), 2),
    };
    return compileTemplate(format, { functions })(fieldsOf(inspection));
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    throw new Error(message.replace(/^template parsing error: /, ""), { cause: thrown });
  }
}

/** A structure: fields that print, those of an embedded one besides, and its form in JSON. */
function struct(type: string, fields: object, json: unknown, promoted: object = {}): object {
  const value = structOf({ ...fields, ...promoted }, type, Object.keys(fields));
  Object.defineProperty(value, "toJSON", { value: () => json, enumerable: false });
  return value;
}

function fieldsOf({ name, root, index, images }: Inspection): object {
  const isMany = images.size > 1;
  const Manifest = manifestFields(root, index);
  const all = [...images];
  const [, only] = all[0] ?? [];
  const Image = isMany
    ? Object.fromEntries(all.map(([platform, { config }]) => [platform, imageFields(config)]))
    : only
      ? imageFields(only.config)
      : null;
  const said = (make: (image: InspectedImage) => object | undefined) =>
    isMany
      ? Object.fromEntries(all.flatMap(([platform, image]) => entryOf(platform, make(image))))
      : ((only && make(only)) ?? make(NOTHING));
  return struct(
    isMany ? "imagetools.tplInputs" : "imagetools.tplInput",
    { Name: name, Manifest, Image },
    { name, manifest: Manifest, ...(Image && { image: Image }) },
    {
      Provenance: said((image) => provenanceFields(image, isMany)),
      SBOM: said((image) => sbomFields(image, isMany)),
    },
  );
}

const NOTHING: InspectedImage = { config: {} as ImageConfig, sboms: [] };
const entryOf = (key: string, value: object | undefined): [string, object][] => (value ? [[key, value]] : []);

function provenanceFields({ provenance }: InspectedImage, isMany: boolean): object | undefined {
  if (provenance === undefined && isMany) return undefined;
  const json = provenance === undefined ? {} : { SLSA: provenance };
  return struct("imagetools.provenanceStub", { SLSA: provenance ?? null }, json);
}

function sbomFields({ sboms: [first, ...more] }: InspectedImage, isMany: boolean): object | undefined {
  if (first === undefined && isMany) return undefined;
  const json = {
    ...(first !== undefined && { SPDX: first }),
    ...(more.length > 0 && { AdditionalSPDXs: more }),
  };
  return struct("imagetools.sbomStub", { SPDX: first ?? null, AdditionalSPDXs: more }, json);
}

/** The type of a field that may be several: what Go's errors call it. */
const ANY = "interface {}";

function manifestFields({ mediaType, digest, bytes }: RegistryManifest, index: Index): object {
  const root = { mediaType, digest, size: bytes.length } as Descriptor;
  if (!isIndex(mediaType)) return descriptorFields(root, ANY);
  const manifests = (index.manifests ?? []).map((one) => descriptorFields(one));
  const { schemaVersion, annotations = {} } = index;
  return struct(
    ANY,
    {
      SchemaVersion: schemaVersion,
      MediaType: index.mediaType ?? "",
      Digest: digest,
      Size: bytes.length,
      Manifests: manifests,
      Annotations: annotations,
    },
    {
      schemaVersion,
      ...(index.mediaType && { mediaType: index.mediaType }),
      digest,
      size: bytes.length,
      manifests,
      ...(Object.keys(annotations).length > 0 && { annotations: inOrder(annotations) }),
    },
  );
}

function descriptorFields(one: Descriptor, type = "v1.Descriptor"): object {
  return struct(
    type,
    {
      MediaType: one.mediaType,
      Digest: one.digest,
      Size: one.size,
      URLs: one.urls ?? [],
      Annotations: one.annotations ?? {},
      Data: one.data === undefined ? [] : [...Buffer.from(one.data, "base64")],
      Platform: one.platform ? struct("v1.Platform", platformFields(one.platform), one.platform) : null,
      ArtifactType: one.artifactType ?? "",
    },
    descriptorJson(one),
  );
}

const platformFields = (one: Partial<Platform>) => ({
  Architecture: one.architecture ?? "",
  OS: one.os ?? "",
  OSVersion: one["os.version"] ?? "",
  OSFeatures: one["os.features"] ?? [],
  Variant: one.variant ?? "",
});

function imageFields(image: ImageConfig): object {
  const { created, author = "", config = {}, rootfs, history = [] } = image;
  const platform = platformFields(image);
  const { type = "", diff_ids = [] } = rootfs ?? {};
  return struct(
    "*v1.Image",
    {
      Created: timeOf(created),
      Author: author,
      Platform: struct("v1.Platform", platform, platform),
      Config: runConfigFields(config),
      RootFS: struct("v1.RootFS", { Type: type, DiffIDs: diff_ids }, { type, diff_ids }),
      History: history.map((one) =>
        struct(
          "v1.History",
          {
            Created: timeOf(one.created),
            CreatedBy: one.created_by ?? "",
            Author: one.author ?? "",
            Comment: one.comment ?? "",
            EmptyLayer: one.empty_layer ?? false,
          },
          one,
        ),
      ),
    },
    imageJson(image),
    platform,
  );
}

function runConfigFields(config: NonNullable<ImageConfig["config"]>): object {
  return struct(
    "v1.ImageConfig",
    {
      User: config.User ?? "",
      ExposedPorts: setOf(config.ExposedPorts),
      Env: config.Env ?? [],
      Entrypoint: config.Entrypoint ?? [],
      Cmd: config.Cmd ?? [],
      Volumes: setOf(config.Volumes),
      WorkingDir: config.WorkingDir ?? "",
      Labels: config.Labels ?? {},
      StopSignal: config.StopSignal ?? "",
      ArgsEscaped: config.ArgsEscaped ?? false,
    },
    runConfigJson(config),
  );
}

/** A map in which only the keys count. */
const setOf = (value: object | null | undefined): Record<string, object> =>
  Object.fromEntries(Object.keys(value ?? {}).map((key) => [key, struct("struct {}", {}, {})]));

/** As Go prints a time: `2026-01-02 03:04:05.6 +0000 UTC`. */
function timeOf(stamp: string | undefined): object | null {
  if (stamp === undefined) return null;
  const plain = plainStamp(stamp);
  const [, date, time, zone = "Z"] = /^([^T]*)T(.*?)(Z|[+-]\d\d:\d\d)?$/.exec(plain) ?? [];
  const offset = zone === "Z" ? "+0000" : zone.replace(":", "");
  return new Stringer(`${date} ${time} ${offset} ${offset === "+0000" ? "UTC" : offset}`, plain);
}
