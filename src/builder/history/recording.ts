// The record of one build: begun with what was asked, ended with what came of it.
import { clone, create, toBinary } from "@bufbuild/protobuf";
import { type Any, AnySchema, anyPack, TimestampSchema } from "@bufbuild/protobuf/wkt";
import type { ConnectError } from "@connectrpc/connect";
import { withoutCredentials } from "../../base/addresses.ts";
import {
  type BuildHistoryRecord,
  BuildHistoryRecordSchema,
  type BuildResultInfo,
  BuildResultInfoSchema,
  DescriptorSchema,
} from "../../buildkit/messages/control_pb.ts";
import { type Status, StatusSchema } from "../../buildkit/messages/status_pb.ts";
import type { Digest } from "../../oci/digest.ts";
import { encodeJson } from "../../oci/json.ts";
import type { Descriptor, Index, Manifest } from "../../oci/types.ts";
import type { LeaseId, Store } from "../../store/types.ts";
import type { JobOutcome } from "../control/job.ts";
import { timestamp } from "../control/status-messages.ts";
import { readAttestations } from "../export/attestations/index.ts";
import {
  type BuildFacts,
  type ProvenanceOptions,
  provenancePredicate,
} from "../export/attestations/provenance.ts";
import { PREDICATE } from "../export/attestations/types.ts";
import type { ExporterRequest } from "../export/open-exporter.ts";
import { knownLayerBlobs } from "../layers/layer-blobs.ts";
import { now, type ProgressEvent } from "../solver/progress.ts";
import type { EndedBuild } from "./history.ts";
import { countSteps, encodeStatusLog, STATUS_LOG } from "./status-log.ts";

const STATEMENT = "application/vnd.in-toto+json";
/** As BuildKit misspells it. */
const ERROR = "application/vnd.googeapis.google.rpc.status+proto";

export interface AskedBuild {
  ref: string;
  frontend: string;
  attributes: Readonly<Record<string, string>>;
  exporters: readonly ExporterRequest[];
}

/** What a build came to, as far as it came. */
export interface BuildOutcome extends JobOutcome {
  facts: BuildFacts;
  error?: ConnectError;
  events: readonly ProgressEvent[];
}

export function beginRecord({ ref, frontend, attributes, exporters }: AskedBuild): BuildHistoryRecord {
  return create(BuildHistoryRecordSchema, {
    ref,
    frontend,
    frontendAttrs: Object.fromEntries(
      Object.entries(attributes).map(([name, value]) => [name, withoutSecrets(name, value)]),
    ),
    exporters: exporters.map(({ type, attributes: attrs }) =>
      // dockerd has one type for its own store and others' (moby, builder/builder-next/exporter/wrapper.go).
      type === "moby" ? { type: "image", attrs: { ...attrs, unpack: "true" } } : { type, attrs },
    ),
    createdAt: time(),
  });
}

/** The record is shown to everybody who may ask the daemon, and is exported: registries' keys are no part of it. */
function withoutSecrets(name: string, value: string): string {
  if (name === "context" || name.startsWith("context:") || name === "vcs:source")
    return withoutCredentials(value);
  return name === "cache-imports" ? cacheImports(value) : value;
}

const CACHE_SECRETS = /secret|token|password|access_key|account_key/i;

function cacheImports(text: string): string {
  try {
    const list = JSON.parse(text) as { Type: string; Attrs?: Record<string, string> }[];
    return JSON.stringify(
      list.map(({ Type, Attrs = {} }) => ({
        Type,
        Attrs: Object.fromEntries(Object.entries(Attrs).filter(([name]) => !CACHE_SECRETS.test(name))),
      })),
    );
  } catch {
    return ""; // What can't be read can't be shown
  }
}

/** Stores what the record names; `lease` holds it, the images at once. */
export async function endRecord(
  store: Store,
  begun: BuildHistoryRecord,
  outcome: BuildOutcome,
  lease: LeaseId,
): Promise<EndedBuild> {
  for (const { digest } of outcome.images.values()) store.leases.hold(lease, { digest });
  const record = clone(BuildHistoryRecordSchema, begun);
  const blobs: Digest[] = [];
  const put = async (bytes: Uint8Array, mediaType: string, annotations = {}) => {
    const { digest, size } = await store.content.put(bytes, lease);
    blobs.push(digest);
    return create(DescriptorSchema, { mediaType, digest, size: BigInt(size), annotations });
  };
  record.completedAt = time();
  const steps = countSteps(outcome.events);
  record.numTotalSteps = steps.total;
  record.numCompletedSteps = steps.completed;
  record.numCachedSteps = steps.cached;
  record.numWarnings = steps.warnings;
  for (const [platform, provenance] of provenances(store, begun, outcome)) {
    const bytes = encodeJson(provenance.predicate, 2);
    const attestation = await put(bytes, STATEMENT, { "in-toto.io/predicate-type": provenance.type });
    resultOf(record, platform).attestations.push(attestation);
  }
  for (const [name, value] of outcome.result?.metadata ?? [])
    record.exporterResponse[name] = Buffer.from(value).toString();
  for (const [number, image] of outcome.images) addImage(resultOf(record, ""), number, image);
  const documents = await documentsOf(store, [...outcome.images.values()]);
  record.logs = await put(encodeStatusLog(outcome.events), STATUS_LOG);
  if (outcome.error) {
    const status = statusOf(outcome.error);
    record.externalError = await put(toBinary(StatusSchema, status), ERROR);
    record.error = create(StatusSchema, { code: status.code, message: status.message });
  }
  return { record, blobs, documents };
}

const time = () => create(TimestampSchema, timestamp(now()));

/** "": the only one, and what is of all. */
function resultOf(record: BuildHistoryRecord, platform: string): BuildResultInfo {
  if (platform === "") {
    record.result ??= create(BuildResultInfoSchema);
    return record.result;
  }
  record.results[platform] ??= create(BuildResultInfoSchema);
  return record.results[platform];
}

function addImage(result: BuildResultInfo, number: number, image: Descriptor): void {
  const { mediaType, digest, size, annotations = {} } = image;
  const message = create(DescriptorSchema, {
    mediaType,
    digest,
    size: BigInt(size),
    annotations,
  });
  result.results[String(number)] = message;
  result.resultDeprecated ??= message;
}

/** The whole of what is known of how each part was made, whatever was asked to be attested. */
function* provenances(
  store: Store,
  begun: BuildHistoryRecord,
  { facts, result, parts }: BuildOutcome,
): Generator<[platform: string, { type: string; predicate: object }]> {
  const version = begun.frontendAttrs["build-arg:BUILDKIT_HISTORY_PROVENANCE_V1"];
  const options: ProvenanceOptions = {
    version: /^(?:1|t|true)$/i.test(version ?? "") ? "v1" : "v0.2",
    mode: "max",
    builderId: builderId(begun.frontendAttrs),
    reproducible: false,
  };
  const type = options.version === "v1" ? PREDICATE.provenance1 : PREDICATE.provenance02;
  for (const { id, snapshot } of parts) {
    const layers = knownLayerBlobs(store, snapshot)?.map(({ descriptor }) => descriptor);
    const definition = result?.refs.get(id)?.definition;
    yield [id, { type, predicate: provenancePredicate(facts, definition, options, layers) }];
  }
}

function builderId(attributes: Readonly<Record<string, string>>): string {
  try {
    return readAttestations(attributes).provenance?.builderId ?? "";
  } catch {
    return ""; // The build has failed with it
  }
}

/** The images' indexes, manifests and configs: what is looked at when the image is gone. */
async function documentsOf(store: Store, images: readonly Descriptor[]): Promise<Map<Digest, Uint8Array>> {
  const found = new Map<Digest, Uint8Array>();
  const add = async (digest: Digest): Promise<void> => {
    if (found.has(digest) || !store.content.info(digest)) return;
    const bytes = await store.content.read(digest);
    found.set(digest, bytes);
    const { manifests = [], config } = JSON.parse(bytes.toString()) as Partial<Index & Manifest>;
    for (const each of manifests) await add(each.digest);
    if (config?.digest && store.content.info(config.digest))
      found.set(config.digest, await store.content.read(config.digest));
  };
  for (const { digest } of images) await add(digest);
  return found;
}

/** An error as gRPC has it in its trailers, details and all. */
function statusOf({ code, rawMessage, details }: ConnectError): Status {
  return create(StatusSchema, {
    code: code as number,
    message: rawMessage,
    details: details.map(
      (detail): Any =>
        "desc" in detail
          ? anyPack(detail.desc, create(detail.desc, detail.value))
          : create(AnySchema, { typeUrl: `type.googleapis.com/${detail.type}`, value: detail.value }),
    ),
  });
}
