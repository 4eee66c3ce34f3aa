// What a stage begins with: images asked for side by side, named contexts, scratch (dockerfile2llb's resolveBaseImage).
import { BerthError, messageOf } from "../../../base/errors.ts";
import { image, scratch, type Tree } from "../../../buildkit/llb/index.ts";
import { canonical, parseReference, withDefaultTag } from "../../../oci/reference.ts";
import type { ImageConfig, Platform } from "../../../oci/types.ts";
import { checkBasePlatform } from "../check.ts";
import type { FromInstruction } from "../instructions/index.ts";
import { emptyImage, metadataName } from "../plan/index.ts";
import { didYouMean } from "../suggest.ts";
import { isEmptyImage, parseImageConfig } from "./image-config.ts";
import { type ContextSource, loadNamedContext } from "./named-context.ts";

export interface LoadedBase {
  readonly tree: Tree;
  readonly image: ImageConfig;
  readonly platform: Platform;
  /** As it is in the registry; undefined where there is none. */
  readonly original?: ImageConfig;
  /** A step has the stage's first number. */
  readonly numbered: boolean;
}

export interface BaseRequest {
  readonly name: string;
  /** Of FROM; undefined: what is built for. */
  readonly platform?: Platform;
  readonly targetPlatform: Platform;
  /** Nobody asked for a platform: an image of another one that runs here will do. */
  readonly implicitTarget: boolean;
  readonly buildPlatforms: readonly Platform[];
  /** Which paths of a folder that takes the image's place are used. */
  readonly followPaths: () => readonly string[];
  /** The step's name and where it is written, by the pinned name of the image. */
  readonly label: (pinned: string, platform: Platform) => { readonly name: string };
  /** Names of stages, for a suggestion. */
  readonly stages: readonly string[];
  /** Sees an image of another platform than was asked for. */
  readonly check?: (wanted: Platform, image: ImageConfig) => void;
}

/** Errors: invalid for the name, what resolving gives with the name before it. */
export async function loadBase(source: ContextSource, request: BaseRequest): Promise<LoadedBase> {
  const wanted = request.platform ?? request.targetPlatform;
  const name = canonical(withDefaultTag(parseReference(request.name)));
  const context = await loadNamedContext(source, name, wanted, request.followPaths);
  if (context) {
    const { tree, image: original } = context;
    const found = original ?? emptyImage(wanted);
    return { tree, image: found, platform: wanted, original: found, numbered: false };
  }
  const { options, resolve } = source;
  const label = metadataName(name, options.multiPlatform ? wanted : undefined);
  const resolved = await withName(request, () =>
    resolve(name, { platform: wanted, mode: options.resolve, name: label }),
  );
  const config = parseImageConfig(resolved.config);
  const platform =
    !request.platform && request.implicitTarget
      ? detectPlatform(config, wanted, request.buildPlatforms)
      : wanted;
  const shared = { image: config, platform, original: config };
  if (isEmptyImage(config)) return { ...shared, tree: scratch(), numbered: false };
  const pinned = canonical({ ...parseReference(resolved.reference), digest: resolved.digest });
  const tree = image(pinned, { ...request.label(pinned, platform), platform, resolve: options.resolve });
  request.check?.(platform, config);
  return { ...shared, tree, numbered: true };
}

/** The platform of an image that is not the wanted one's, if it runs here. */
function detectPlatform(config: ImageConfig, wanted: Platform, supported: readonly Platform[]): Platform {
  const same = ({ os, architecture }: Platform) => os === config.os && architecture === config.architecture;
  return same(wanted) ? wanted : (supported.find(same) ?? wanted);
}

const COMMON = ["alpine", "busybox", "centos", "debian", "golang", "ubuntu", "fedora"];

async function withName<T>({ name, stages }: BaseRequest, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (!(thrown instanceof Error) || thrown.name === "AbortError") throw thrown;
    const known = [...stages, ...COMMON.flatMap((image) => [image, `${image}:latest`])];
    const message = didYouMean(`${name}: ${messageOf(thrown)}`, name, known, true);
    throw new BerthError(thrown instanceof BerthError ? thrown.kind : "system", message, { cause: thrown });
  }
}

/** Tells of a base of another platform. */
export const platformCheck =
  (from: FromInstruction, name: string, linter: Parameters<typeof checkBasePlatform>[4]) =>
  (wanted: Platform, found: ImageConfig): void =>
    checkBasePlatform(from, name, wanted, found, linter);
