// A build's files: which folders and archives the session offers, and what the frontend is told of them.
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { SdkError } from "../errors.ts";
import { isRemoteAddress, parseGitAddress } from "./addresses.ts";
import { resolveLayout } from "./oci-index.ts";
import { uploadAddress } from "./session/services.ts";
import { newId } from "./session/session.ts";
import type { BuildSpec } from "./types.ts";

export interface BuildInputs extends AsyncDisposable {
  /** The frontend's attributes about contexts and the Dockerfile. */
  attributes: Record<string, string>;
  /** Folders by the names that the frontend asks for. */
  folders: Record<string, string>;
  archives: Record<string, AsyncIterable<Uint8Array>>;
  /** OCI layouts by id. */
  layouts: Record<string, string>;
  sharedKey: string;
}

/** Looks at what the spec names on this host; a Dockerfile at an address is fetched already. Disposing of it removes the temporary folders that were made. */
export async function loadInputs(spec: BuildSpec): Promise<BuildInputs> {
  const temporary: string[] = [];
  const inputs: BuildInputs = {
    attributes: {},
    folders: {},
    archives: {},
    layouts: {},
    sharedKey: "",
    async [Symbol.asyncDispose]() {
      for (const folder of temporary) await rm(folder, { recursive: true, force: true });
    },
  };
  const temporaryFolder = async () => {
    const folder = await mkdtemp(join(tmpdir(), "berth-build-"));
    temporary.push(folder);
    return folder;
  };
  try {
    await loadContext(spec, inputs, temporaryFolder);
    await loadDockerfile(spec, inputs, temporaryFolder);
    const needed = new Set<string>();
    if (spec.context.kind === "remote" && parseGitAddress(spec.context.address)?.query)
      needed.add("moby.buildkit.frontend.gitquerystring");
    for (const [name, source] of Object.entries(spec.contexts ?? {})) {
      needed.add("moby.buildkit.frontend.contexts+forward");
      if (parseGitAddress(source)?.query) needed.add("moby.buildkit.frontend.gitquerystring+forward");
      await loadNamedContext(name, source, inputs);
    }
    if (needed.size > 0) inputs.attributes["frontend.caps"] = [...needed].sort().join(",");
    return inputs;
  } catch (thrown) {
    await inputs[Symbol.asyncDispose]();
    throw thrown;
  }
}

async function loadContext(
  { context }: BuildSpec,
  inputs: BuildInputs,
  temporaryFolder: () => Promise<string>,
): Promise<void> {
  if (context.kind === "folder") {
    inputs.folders.context = context.path;
    inputs.sharedKey = basename(resolve(context.path));
  } else if (context.kind === "empty") {
    inputs.folders.context = await temporaryFolder();
  } else if (context.kind === "remote") {
    inputs.attributes.context = context.address;
  } else {
    const name = newId();
    inputs.archives[name] = context.data;
    inputs.attributes.context = uploadAddress(name);
  }
}

async function loadDockerfile(
  { context, dockerfile }: BuildSpec,
  inputs: BuildInputs,
  temporaryFolder: () => Promise<string>,
): Promise<void> {
  const { attributes, folders } = inputs;
  if (dockerfile?.kind === "in-context") {
    attributes.filename = dockerfile.path;
    return;
  }
  if (dockerfile?.kind === "text") {
    folders.dockerfile = await temporaryFolder();
    await writeFile(join(folders.dockerfile, "Dockerfile"), dockerfile.text);
    attributes.filename = "Dockerfile";
    attributes.dockerfilekey = "dockerfile";
    return;
  }
  if (dockerfile?.kind === "file") {
    folders.dockerfile = dirname(dockerfile.path);
    attributes.filename = await asSpelled(folders.dockerfile, basename(dockerfile.path));
    if (context.kind !== "folder") attributes.dockerfilekey = "dockerfile";
    return;
  }
  attributes.filename = "Dockerfile";
  if (context.kind !== "folder") return;
  folders.dockerfile = context.path;
  attributes.filename = await asSpelled(context.path, "Dockerfile");
}

/** `dockerfile`, where a folder has only that. */
async function asSpelled(folder: string, name: string): Promise<string> {
  if (name !== "Dockerfile") return name;
  const names = await readdir(folder).catch((): string[] => []);
  return !names.includes(name) && names.includes("dockerfile") ? "dockerfile" : name;
}

const LAYOUT = "oci-layout://";

async function loadNamedContext(name: string, source: string, inputs: BuildInputs): Promise<void> {
  const { attributes, folders, layouts } = inputs;
  if (isRemoteAddress(source) || /^(?:docker-image:\/\/|target:)/.test(source)) {
    attributes[`context:${name}`] = source;
    return;
  }
  if (source.startsWith(LAYOUT)) {
    const [rest = "", given] = source.slice(LAYOUT.length).split("@");
    const [folder = "", tag = "latest"] = rest.split(":");
    const digest = given ?? (await resolveLayout(folder, tag).catch(() => undefined));
    if (!digest)
      throw new SdkError(
        "protocol",
        `oci-layout reference "${source}" could not be resolved: failed to resolve digest`,
      );
    const id = newId();
    layouts[id] = folder;
    attributes[`context:${name}`] = `${LAYOUT}${id}:${tag}@${digest}`;
    return;
  }
  const found = await stat(source).catch(() => undefined);
  const problem = !found ? `stat ${source}: no such file or directory` : "not a directory";
  if (!found?.isDirectory())
    throw new SdkError("protocol", `failed to get build context ${name}: ${problem}`);
  // The frontend's own names are taken.
  const local = name === "context" || name === "dockerfile" ? `_${name}` : name;
  folders[local] = source;
  attributes[`context:${name}`] = `local:${local}`;
}
