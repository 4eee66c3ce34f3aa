// Provenance: what a result was made of and how, in the words of SLSA v0.2 (as Docker 28 has it) or v1 (BuildKit,
// docs/attestations/slsa-definitions.md; solver/llbsolver/provenance/predicate.go).
import { fromBinary } from "@bufbuild/protobuf";
import { withoutCredentials } from "../../../base/addresses.ts";
import { type Definition, MountType, NetMode, OpSchema } from "../../../buildkit/messages/ops_pb.ts";
import type { Digest } from "../../../oci/digest.ts";
import { formatPlatform, normalizePlatform } from "../../../oci/platform.ts";
import { parseReference, repositoryOf } from "../../../oci/reference.ts";
import type { Descriptor, Platform } from "../../../oci/types.ts";
import { sortedRecord } from "../annotations.ts";
import { buildSteps, sourceOf } from "./build-steps.ts";
import { digestSet, imageUrl } from "./statement.ts";

/** What a build knows of itself. */
export interface BuildFacts {
  /** `dockerfile.v0`; empty: the client sent a graph. */
  frontend: string;
  /** The frontend's options. */
  options: Readonly<Record<string, string>>;
  /** Names that were resolved to images, and what they led to. */
  images: ReadonlyMap<string, Digest>;
  /** Git repositories and addresses, with digests by algorithm. */
  remotes: ReadonlyMap<string, Readonly<Record<string, string>>>;
  /** The builder's own. */
  platform: Platform;
  id: string;
  startedAt: Date;
}

export interface ProvenanceOptions {
  version: "v0.2" | "v1";
  mode: "min" | "max";
  builderId: string;
  reproducible: boolean;
}

interface Material {
  uri: string;
  digest?: Readonly<Record<string, string>>;
}

interface Parameters {
  frontend?: string;
  args?: Record<string, string>;
  secrets?: object[];
  ssh?: object[];
  locals?: { name: string }[];
}

interface Captured {
  materials: Material[];
  locals: string[];
  secrets: Map<string, boolean>;
  ssh: Map<string, boolean>;
  network: boolean;
  incomplete: boolean;
}

const BUILD_TYPE = {
  "v0.2": "https://mobyproject.org/buildkit@v1",
  v1: "https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md",
};
const METADATA = "https://mobyproject.org/buildkit@v1#metadata";
const HERMETIC = "https://mobyproject.org/buildkit@v1#hermetic";

/** The predicate, as the build ends now. `layers`: of the result's image. */
export function provenancePredicate(
  facts: BuildFacts,
  definition: Definition | undefined,
  options: ProvenanceOptions,
  layers: readonly Descriptor[] | undefined,
): object {
  const captured = capture(facts, definition);
  const { configSource, parameters, vcs, scrubbed } = invocationOf(facts, captured, options.mode);
  const { materials } = captured;
  const steps = options.mode === "max" ? buildSteps(definition) : undefined;
  const last = steps?.llbDefinition.at(-1)?.inputs?.[0];
  const source = steps && definition && sourceOf(definition, steps);
  const metadata = {
    ...(vcs && { vcs }),
    ...(source && { source }),
    ...(steps && last && layers && { layers: { [last]: [layers] } }),
  };
  const complete = {
    request: facts.frontend !== "" && !scrubbed,
    materials: !captured.incomplete && captured.locals.length === 0,
  };
  const hermetic = complete.materials && !captured.network;
  const [startedOn, finishedOn] = [facts.startedAt.toISOString(), new Date().toISOString()];
  const platform = formatPlatform(normalizePlatform(facts.platform));
  if (options.version === "v0.2")
    return {
      builder: { id: options.builderId },
      buildType: BUILD_TYPE["v0.2"],
      ...(materials.length > 0 && { materials }),
      invocation: { configSource, parameters, environment: { platform } },
      ...(steps && { buildConfig: steps }),
      metadata: {
        buildInvocationID: facts.id,
        buildStartedOn: startedOn,
        buildFinishedOn: finishedOn,
        completeness: { parameters: complete.request, environment: true, materials: complete.materials },
        reproducible: options.reproducible,
        [METADATA]: metadata,
        ...(hermetic && { [HERMETIC]: true }),
      },
    };
  const { entryPoint: path, ...where } = configSource;
  return {
    buildDefinition: {
      buildType: BUILD_TYPE.v1,
      ...(materials.length > 0 && { resolvedDependencies: materials }),
      externalParameters: { configSource: { ...where, ...(path && { path }) }, request: parameters },
      internalParameters: { ...(steps && { buildConfig: steps }), builderPlatform: platform },
    },
    runDetails: {
      builder: { id: options.builderId },
      metadata: {
        invocationId: facts.id,
        startedOn,
        finishedOn,
        buildkit_metadata: metadata,
        ...(hermetic && { buildkit_hermetic: true }),
        buildkit_completeness: { request: complete.request, resolvedDependencies: complete.materials },
        ...(options.reproducible && { buildkit_reproducible: true }),
      },
    },
  };
}

/** What the graph's operations take from outside. */
function capture(facts: BuildFacts, definition: Definition | undefined): Captured {
  const captured: Captured = {
    materials: [],
    locals: [],
    secrets: new Map(),
    ssh: new Map(),
    network: false,
    incomplete: false,
  };
  const materials = new Map<string, Material>();
  const locals = new Set<string>();
  for (const { op, platform } of operationsOf(definition)) {
    if (op.case === "build") captured.incomplete = true;
    else if (op.case === "source") addSource(facts, op.value.identifier, platform, materials, locals);
    else if (op.case === "exec") {
      const { mounts, network, secretenv } = op.value;
      if (network !== NetMode.NONE) captured.network = true;
      for (const { mountType, secretOpt, sshOpt } of mounts)
        if (mountType === MountType.SECRET) note(captured.secrets, secretOpt);
        else if (mountType === MountType.SSH) note(captured.ssh, sshOpt, "default");
      for (const secret of secretenv) note(captured.secrets, secret);
    }
  }
  return { ...captured, materials: inOrder(materials), locals: [...locals].sort() };
}

/** Those of the frontend's files too. */
function operationsOf(definition: Definition | undefined) {
  const all = [definition, ...(definition?.source?.infos ?? []).map((info) => info.definition)];
  return all.flatMap((each) => (each?.def ?? []).map((bytes) => fromBinary(OpSchema, bytes)));
}

function addSource(
  { images, remotes }: BuildFacts,
  identifier: string,
  platform: Platform | undefined,
  materials: Map<string, Material>,
  locals: Set<string>,
): void {
  const [, scheme, rest = ""] = /^([a-z-]+):\/\/(.*)$/s.exec(identifier) ?? [];
  if (scheme === "local") locals.add(rest);
  else if (scheme === "docker-image" || scheme === "oci-layout") {
    const pinned = parseReference(rest);
    // As the person named it: the frontend pins names to digests.
    const name = [...images.keys()].find((each) => isNamed(each, rest)) ?? rest;
    const digest = pinned.digest ?? images.get(rest);
    const uri = imageUrl(name, platform && plain(platform), scheme === "oci-layout" ? "oci" : "docker");
    materials.set(`1 ${uri}`, { uri, ...(digest && { digest: digestSet(digest) }) });
  } else if (remotes.has(identifier)) {
    const uri = withoutCredentials(scheme === "git" ? identifier.slice("git://".length) : identifier);
    materials.set(`${scheme === "git" ? 2 : 3} ${uri}`, { uri, digest: remotes.get(identifier) });
  }
}

const plain = ({ os, architecture, variant }: Platform): Platform => ({
  os,
  architecture,
  ...(variant && { variant }),
});

/** Whether a name without a digest is what was pinned. */
function isNamed(name: string, pinned: string): boolean {
  const [one, other] = [parseReference(name), parseReference(pinned)];
  return (
    one.digest === undefined &&
    repositoryOf(one) === repositoryOf(other) &&
    (one.tag ?? "latest") === (other.tag ?? "latest")
  );
}

const inOrder = (materials: Map<string, Material>): Material[] =>
  [...materials].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, material]) => material);

/** Optional as long as nobody needs it. */
function note(
  into: Map<string, boolean>,
  what: { id: string; optional: boolean } | undefined,
  fallback = "",
): void {
  if (what) into.set(what.id || fallback, (into.get(what.id || fallback) ?? true) && what.optional);
}

/** Options that are the host's, or are no part of what is built. */
const OF_HOST = new Set(["cgroup-parent", "image-resolve-mode", "platform", "cache-imports"]);

function invocationOf({ frontend, options }: BuildFacts, captured: Captured, mode: "min" | "max") {
  const args = new Map(
    Object.entries(options).filter(([name]) => !OF_HOST.has(name) && !name.startsWith("attest:")),
  );
  const contextKey = args.get("contextkey") || (args.get("input:context") ? "input:context" : "context");
  const context = take(args, contextKey);
  const entryPoint = take(args, "filename");
  const vcs = new Map<string, string>();
  let scrubbed = false;
  for (const [name, value] of args) {
    if (name.startsWith("vcs:")) {
      args.delete(name);
      if (value) vcs.set(name.slice("vcs:".length), withoutCredentials(value));
    } else if (mode === "min" && /^(?:build-arg|label):/.test(name)) {
      args.delete(name);
      scrubbed = true;
    } else if (name.startsWith("context:")) args.set(name, withoutCredentials(value));
  }
  const uri = context && withoutCredentials(context);
  const material = captured.materials.find((each) => each.uri === uri);
  const parameters: Parameters = {
    ...(frontend && { frontend }),
    ...(args.size > 0 && { args: sortedRecord(Object.fromEntries(args)) }),
    ...(mode === "max" && captured.secrets.size > 0 && { secrets: listOf(captured.secrets) }),
    ...(mode === "max" && captured.ssh.size > 0 && { ssh: listOf(captured.ssh) }),
    ...(captured.locals.length > 0 && { locals: captured.locals.map((name) => ({ name })) }),
  };
  return {
    configSource: {
      ...(uri && { uri }),
      ...(material?.digest && { digest: material.digest }),
      ...(entryPoint && { entryPoint }),
    },
    parameters,
    vcs: vcs.size > 0 ? sortedRecord(Object.fromEntries(vcs)) : undefined,
    scrubbed,
  };
}

function take(from: Map<string, string>, name: string): string | undefined {
  const value = from.get(name);
  if (value) from.delete(name);
  return value || undefined;
}

const listOf = (found: Map<string, boolean>): object[] =>
  [...found]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([id, optional]) => ({ id, ...(optional && { optional }) }));
