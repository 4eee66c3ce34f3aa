// COPY and ADD as steps (dockerfile2llb/convert_copy.go).
import { posix } from "node:path";
import { invalid } from "../../../base/errors.ts";
import {
  type CopyOptions,
  copy,
  type FileChange,
  file,
  git,
  http,
  merge,
  type StepOptions,
  scratch,
  type Tree,
} from "../../../buildkit/llb/index.ts";
import { hasWildcards } from "../../../buildkit/patterns/index.ts";
import { digestOf, isDigest } from "../../../oci/digest.ts";
import type { AddInstruction, CopyInstruction } from "../instructions/index.ts";
import {
  destinationPath,
  type GitSource,
  instructionName,
  isHttpSource,
  parseGitSource,
  runConfig,
  type Step,
  type StepResult,
} from "../plan/index.ts";
import { couldBeScript } from "./copied-scripts.ts";
import { inlineDocument } from "./run.ts";
import { type Conversion, locationsOf, nameOf, nextNumber, rooted, type StageBuild } from "./stage-build.ts";

type Transfer = AddInstruction | CopyInstruction;

/** The stage after COPY or ADD; `instruction` has its variables expanded. */
export function convertTransfer(
  before: StageBuild,
  step: Step,
  instruction: Transfer,
  { state }: StepResult,
  build: Conversion,
): StageBuild {
  const stage = nextNumber(before);
  const text = instructionName(instruction, before.state.variables, build.plan.escape);
  const options: StepOptions = {
    name: nameOf(stage, step, text, build),
    locations: locationsOf(build, instruction.lines),
    ignoreCache: before.noCache,
  };
  const changes = changesOf(before, step, instruction, build, options);
  if (!instruction.link || instruction.chmod !== "")
    return { ...stage, tree: file(before.tree, changes, options), state };
  const linkName = nameOf(stage, step, `LINK ${text}`, build);
  return { ...stage, tree: linked(before.tree, changes, options, linkName), state };
}

/** `--link`: the files alone, merged onto the stage, so that what is below may change without copying again. */
function linked(base: Tree, changes: readonly FileChange[], options: StepOptions, name: string): Tree {
  const group = { id: digestOf(options.name ?? "").slice(7, 32), name: options.name ?? "" };
  const alone = file(scratch(), changes, { ...options, progressGroup: { ...group, weak: true } });
  return merge([base, alone], { ...options, name, progressGroup: group });
}

function changesOf(
  stage: StageBuild,
  step: Step,
  instruction: Transfer,
  build: Conversion,
  options: StepOptions,
): FileChange[] {
  const { sources, chown, chmod, exclude } = instruction;
  const destination = destinationPath(runConfig(stage.state).WorkingDir ?? "", sources.destination);
  const shared: CopyOptions = {
    createDestination: true,
    exclude,
    ...(chown !== "" && { owner: chown }),
    ...(chmod !== "" && { mode: /^[0-7]+$/.test(chmod) ? Number.parseInt(chmod, 8) : chmod }),
  };
  const { name, locations } = options;
  const fetched: StepOptions = { ...(name && { name }), ...(locations && { locations }) };
  const paths = sources.paths.map((path): FileChange => {
    const repository = instruction.kind === "add" ? parseGitSource(path) : undefined;
    if (instruction.kind === "add" && repository)
      return copy(repositoryTree(instruction, repository, fetched), "/", destination, shared);
    if (instruction.kind === "add" && isHttpSource(path))
      return downloaded(instruction, path, destination, shared, fetched);
    return copyPath(usedTree(instruction, step, path, build), path, destination, instruction, shared);
  });
  const documents = sources.documents.map(({ name: document, content }) =>
    copy(inlineDocument(document, content, 0o644), document, destination, shared),
  );
  return [...paths, ...documents];
}

function usedTree(instruction: Transfer, step: Step, path: string, build: Conversion): Tree {
  const used = rooted(path);
  const [origin] = step.sources;
  if (instruction.kind === "copy" && origin) {
    const { tree, paths } = build.originOf(origin);
    paths.add(used);
    return tree;
  }
  build.contextPaths.add(used);
  if (!hasWildcards(path) && couldBeScript(used))
    build.copiedScripts.push({ path: used, lines: instruction.lines });
  return build.buildContext;
}

function repositoryTree(add: AddInstruction, source: GitSource, options: StepOptions): Tree {
  const checksum = source.checksum || add.checksum;
  return git(source.remote, {
    ...options,
    ref: source.ref,
    folder: source.folder,
    keepGitDir: source.keepGitDir ?? add.keepGitDir ?? false,
    skipSubmodules: source.submodules === false,
    ...(checksum && { checksum }),
  });
}

/** A URL's file. Archives stay what they are, unless `--unpack` says otherwise. */
function downloaded(
  add: AddInstruction,
  url: string,
  destination: string,
  shared: CopyOptions,
  options: StepOptions,
): FileChange {
  const { checksum } = add;
  if (checksum !== "" && !isDigest(checksum)) throw invalid(badDigest(checksum));
  const filename = filenameOf(url);
  const tree = http(url, { ...options, filename, ...(checksum && { checksum }) });
  return copy(tree, filename, destination, { ...shared, unpack: add.unpack ?? false });
}

/** go-digest's words. */
function badDigest(text: string): string {
  const algorithm = /^([a-z0-9]+(?:[.+_-][a-z0-9]+)*):[a-zA-Z0-9=_-]+$/.exec(text)?.[1];
  if (!algorithm) return "invalid checksum digest format";
  return ["sha256", "sha384", "sha512"].includes(algorithm)
    ? "invalid checksum digest length"
    : "unsupported digest algorithm";
}

function filenameOf(url: string): string {
  try {
    const base = posix.basename(decodeURIComponent(new URL(url).pathname));
    return base === "" || base === "." || base === "/" ? "__unnamed__" : base;
  } catch {
    return "__unnamed__";
  }
}

/** From the context, a stage or an image. With `--parents` what is before `/./` isn't made again. */
function copyPath(
  from: Tree,
  path: string,
  destination: string,
  instruction: Transfer,
  shared: CopyOptions,
): FileChange {
  const unpack = instruction.kind === "add" && (instruction.unpack ?? true);
  const options: CopyOptions = {
    ...shared,
    followLinks: true,
    contentsOnly: true,
    unpack,
    wildcard: true,
    emptyWildcard: true,
  };
  if (instruction.kind === "add" || !instruction.parents) return copy(from, path, destination, options);
  const pivot = path.indexOf("/./");
  const [source, pattern] = pivot < 0 ? ["/", path] : [path.slice(0, pivot), path.slice(pivot + 3)];
  const normal = rooted(pattern);
  const required = hasWildcards(source) || hasWildcards(normal) ? [] : [posix.join("/", source, normal)];
  return copy(from, source, destination, { ...options, include: [normal.slice(1)], required });
}
