// What a person asked for on the command line, as the SDK's request.

import { basename, resolve } from "node:path";
import { goBoolean, notGoBoolean } from "../../base/go-boolean.ts";
import {
  formatPlatformWithVersion,
  hostPlatform,
  normalizePlatform,
  parsePlatform,
} from "../../oci/platform.ts";
import { type BuildSpec, type CacheSpec, parseGitAddress } from "../../sdk/index.ts";
import { authFor } from "../credentials.ts";
import type { FlagValues } from "../framework/flags.ts";
import { proxyVariables } from "../proxies.ts";
import { parseReference } from "../reference.ts";
import type { Session } from "../session.ts";
import { type ContextChoice, chooseContext, localFolders } from "./context.ts";
import type { buildFlags } from "./flags.ts";
import { gitAttributes } from "./git-attributes.ts";
import { nodeId } from "./node-id.ts";
import { type OutputOption, outputsOf, parseOutput, withShorthands } from "./outputs.ts";
import { secretsOf } from "./secrets.ts";
import {
  attestationShorthand,
  type FrontendQuestion,
  keyValueMap,
  parseAnnotation,
  parseAttestation,
  parseCaches,
  parseNamedContext,
  parseQuestion,
  parseSsh,
} from "./values.ts";

export type BuildFlags = FlagValues<typeof buildFlags>;

export interface BuildOrder {
  spec: BuildSpec;
  question: FrontendQuestion | undefined;
  /** How a person calls the Dockerfile. */
  dockerfile: string;
}

/** The values that have parts, taken apart. */
export interface ParsedValues {
  args: Record<string, string>;
  labels: Record<string, string>;
  attestations: Record<string, string | false>;
  contexts: Record<string, string>;
  outputs: OutputOption[];
  cacheFrom: CacheSpec[];
  cacheTo: CacheSpec[];
  ssh: Array<[id: string, paths: string[]]>;
  question: FrontendQuestion | undefined;
}

/** Throws Errors with buildx's words; nothing outside of the command line is looked at but the environment. */
export function parseValues(flags: BuildFlags): ParsedValues {
  const outputs = flags.output.filter(Boolean).map(parseOutput);
  if (flags.iidfile && outputs.some(({ type }) => type === "local" || type === "tar"))
    throw new Error("local and tar exporters are incompatible with image ID file");
  return {
    args: buildArguments(flags["build-arg"]),
    labels: keyValueMap(flags.label, () => ""),
    attestations: attestationsOf(flags),
    contexts: Object.fromEntries(flags["build-context"].filter(Boolean).map(parseNamedContext)),
    outputs,
    cacheFrom: flags["cache-from"].flatMap(parseCaches),
    cacheTo: flags["cache-to"].flatMap(parseCaches),
    ssh: flags.ssh.filter(Boolean).map(parseSsh),
    question: parseQuestion(flags.call),
  };
}

/** Looks at what is named on this host, and reads standard input where the flags say so. Throws Errors with buildx's words. */
export async function buildOrder(
  session: Session,
  place: string,
  flags: BuildFlags,
  values: ParsedValues,
): Promise<BuildOrder> {
  const { args, question } = values;
  if (flags["no-cache"] && flags["no-cache-filter"].length > 0)
    throw new Error("--no-cache and --no-cache-filter cannot currently be used together");
  const platforms = platformsOf(flags.platform);
  const secrets = await secretsOf(flags.secret);
  const outputs = withShorthands(outputsOf(values.outputs), flags.push, flags.load);
  for (const [key, value] of flags.annotation.flatMap(parseAnnotation))
    for (const output of outputs) output.attributes[key] = value;
  for (const entitlement of flags.allow) checkEntitlement(entitlement);
  for (const tag of flags.tag) checkTag(tag);
  const choice = await chooseContext(place, flags.file);
  const noDefaultLoad = goBoolean(process.env.BUILDX_NO_DEFAULT_LOAD ?? "") === true;
  const { labels, contexts, attestations, cacheFrom, cacheTo } = values;
  const spec: BuildSpec = {
    context: choice.context,
    dockerfile: choice.dockerfile,
    contexts,
    args,
    labels,
    tags: flags.tag,
    target: flags.target,
    platforms,
    noCache: flags["no-cache"] || flags["no-cache-filter"],
    pull: flags.pull,
    outputs: outputs.length > 0 ? outputs : noDefaultLoad ? [] : undefined,
    cacheFrom,
    cacheTo,
    secrets,
    ssh: sshOf(values.ssh, place),
    network: flags.network,
    extraHosts: flags["add-host"],
    shmSize: flags["shm-size"],
    ulimits: flags.ulimit,
    cgroupParent: flags["cgroup-parent"],
    allow: flags.allow.filter(Boolean),
    attestations,
    call: question?.name,
    attributes: await surroundings(session, choice, flags, args),
    sharedKey: await sharedKey(session, choice),
    credentials: (host) => authFor(session, host === "registry-1.docker.io" ? "docker.io" : host),
  };
  return { spec, question, dockerfile: choice.shownAs };
}

/** What the command line doesn't say: the commit, and the proxies of config.json. */
async function surroundings(
  session: Session,
  choice: ContextChoice,
  flags: BuildFlags,
  args: Record<string, string>,
): Promise<Record<string, string>> {
  const { context } = choice;
  const taken = new Set(Object.keys(args).map((name) => name.toUpperCase()));
  const proxies = (await proxyVariables(session)).filter(([name]) => !taken.has(name.toUpperCase()));
  const attributes = Object.fromEntries(proxies.map(([name, value]) => [`build-arg:${name}`, value]));
  if (context.kind !== "folder") return attributes;
  return { ...attributes, ...(await gitAttributes(context.path, flags.file, localFolders(choice))) };
}

async function sharedKey(session: Session, { context }: ContextChoice): Promise<string | undefined> {
  if (context.kind !== "folder") return undefined;
  return `${basename(resolve(context.path))}:${await nodeId(session.configFolder)}`;
}

function buildArguments(texts: string[]): Record<string, string> {
  const args = keyValueMap(texts, (key) => process.env[key]);
  const epoch = process.env.SOURCE_DATE_EPOCH;
  return epoch ? { SOURCE_DATE_EPOCH: epoch, ...args } : args;
}

function attestationsOf(flags: BuildFlags): Record<string, string | false> {
  const texts = [
    ...flags.attest,
    attestationShorthand("provenance", flags.provenance),
    attestationShorthand("sbom", flags.sbom),
  ].filter((text) => text !== undefined);
  // Of two of one type the first counts.
  const attestations = Object.fromEntries(texts.map(parseAttestation).reverse());
  const refused = process.env.BUILDX_NO_DEFAULT_ATTESTATIONS;
  if (refused !== undefined && !("provenance" in attestations)) {
    const truth = goBoolean(refused);
    if (truth === undefined)
      throw new Error(`invalid BUILDX_NO_DEFAULT_ATTESTATIONS: ${notGoBoolean(refused)}`);
    if (truth) attestations.provenance = false;
  }
  return attestations;
}

function platformsOf(given: string[]): string[] {
  const preset = process.env.DOCKER_DEFAULT_PLATFORM;
  const texts = given.length > 0 ? given : preset ? [preset] : [];
  return texts
    .flatMap((text) => text.split(","))
    .map((text) => (text.toLowerCase() === "local" ? hostPlatform() : parsePlatform(text)))
    .map((platform) => formatPlatformWithVersion(normalizePlatform(platform)));
}

/** A git repository by ssh is fetched with the caller's agent, asked or not. */
function sshOf(given: ParsedValues["ssh"], place: string): Record<string, string[]> {
  if (given.length === 0 && parseGitAddress(place)?.ssh) return { default: [] };
  const ids: Record<string, string[]> = {};
  for (const [id, paths] of given) {
    if (Object.hasOwn(ids, id)) throw new Error(`duplicate agent ID ${JSON.stringify(id)}`);
    ids[id] = paths;
  }
  return ids;
}

function checkEntitlement(text: string): void {
  if (text && !/^(?:network\.host|security\.insecure|device(?:=.*)?)$/s.test(text))
    throw new Error(`unknown entitlement ${text}`);
}

/** As the reference parser has it that Docker's own defaults aren't added to. */
function checkTag(tag: string): void {
  try {
    parseReference(tag);
  } catch {
    const why = /[A-Z]/.test(tag) && isReference(tag.toLowerCase()) ? UPPERCASE : "invalid reference format";
    throw new Error(`invalid tag ${JSON.stringify(tag)}: ${why}`);
  }
}

const UPPERCASE = "repository name must be lowercase";

function isReference(text: string): boolean {
  try {
    return Boolean(parseReference(text));
  } catch {
    return false;
  }
}
