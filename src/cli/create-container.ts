// Makes a container as `run` and `create` do: from its flags, pulling the image where it is missing.

import { type Client, type ContainerSpec, formatPlatform, isNotFound } from "../sdk/index.ts";
import { reason } from "./container-options/key-values.ts";
import type { CREATE_FLAGS } from "./container-options/run-flags.ts";
import { type ContainerFlags, containerSpec } from "./container-options/spec.ts";
import { describe } from "./describe.ts";
import { CommandFailure, EXIT } from "./framework/failure.ts";
import type { FlagValues } from "./framework/flags.ts";
import {
  familiarText,
  type ImageReference,
  isBuiltInName,
  parseReference,
  withDefaultTag,
} from "./reference.ts";
import type { Session } from "./session.ts";

export type CreateFlags = FlagValues<typeof CREATE_FLAGS> & { pull: string };

/** A failure before or while the container starts, with Docker's hint below it. */
export function startFailure(
  session: Session,
  verb: string,
  thrown: unknown,
  exitCode?: number,
): CommandFailure {
  if (thrown instanceof CommandFailure) return thrown;
  const message = describe(thrown);
  const text = `${session.program}: ${message}\n\nRun '${session.program} ${verb} --help' for more information`;
  return new CommandFailure(text, exitCode ?? exitCodeOf(message), { cause: thrown });
}

/** 127 for a command that isn't there, 126 for one that can't be run, 125 for all that is the engine's. */
function exitCodeOf(message: string): number {
  if (
    /executable file not found|no such file or directory|system cannot find the file specified/.test(message)
  ) {
    return EXIT.notFound;
  }
  if (/permission denied|is a directory/.test(message)) return EXIT.notExecutable;
  return EXIT.usage;
}

/** The container's spec from the command line; what doesn't fit ends the command with 125. */
export async function specFromFlags(
  session: Session,
  verb: string,
  args: string[],
  flags: CreateFlags,
  given: (name: never) => boolean,
): Promise<ContainerSpec> {
  const pulls = ["always", "missing", "never", ""];
  try {
    if (!pulls.includes(flags.pull)) {
      throw new Error(`invalid pull option: '${flags.pull}': must be one of "always", "missing" or "never"`);
    }
    // Never a quiet success for what isn't there.
    if (!flags["disable-content-trust"])
      throw new Error("content trust (--disable-content-trust=false) is not implemented");
    const [image = "", ...words] = args;
    const isGiven = given as (name: keyof ContainerFlags & string) => boolean;
    const spec = await containerSpec({ flags, given: isGiven, image, words });
    spec.Env = [...(await proxies(session, spec.Env ?? [])), ...(spec.Env ?? [])];
    return spec;
  } catch (thrown) {
    throw startFailure(session, verb, thrown, EXIT.usage);
  }
}

/** Proxies of config.json for this daemon, where the command line doesn't name its own. */
async function proxies(session: Session, env: string[]): Promise<string[]> {
  const { proxyVariables } = await import("./proxies.ts");
  const names = new Set(env.map((pair) => pair.split("=")[0] ?? ""));
  return (await proxyVariables(session))
    .filter(([name]) => !names.has(name))
    .map(([name, value]) => `${name}=${value}`);
}

/** Before API 1.44 a container had one hardware address, on its first network. */
async function refuseForOldDaemon(client: Client, spec: ContainerSpec): Promise<void> {
  const first = spec.HostConfig?.NetworkMode;
  const endpoints = Object.entries(spec.NetworkingConfig?.EndpointsConfig ?? {});
  if (!endpoints.some(([network, { MacAddress }]) => network !== first && MacAddress)) return;
  throw new Error(
    `"specify mac-address per network" requires API version 1.44, but the Docker daemon API version is ${await client.connection.version()}`,
  );
}

/** Creates it and gives its id; warnings go to standard error. */
export async function createContainer(
  session: Session,
  spec: ContainerSpec,
  flags: CreateFlags,
): Promise<string> {
  const client = await session.client();
  const cidFile = flags.cidfile ? await reserveCidFile(flags.cidfile) : undefined;
  try {
    const reference = parsedImage(spec.Image ?? "");
    const platform = flags.platform ? await wholePlatform(flags.platform) : undefined;
    // The endpoint's settings say it since API 1.44.
    if (await client.connection.supports("1.44")) delete spec.MacAddress;
    else await refuseForOldDaemon(client, spec);
    if (spec.HostConfig) spec.HostConfig.ConsoleSize = consoleSize(session);
    const withApiSocket = flags["use-api-socket"]
      ? await (await import("./api-socket.ts")).addApiSocket(session, client, spec)
      : undefined;
    // What comes with Berth stands for its plain name alone, and not for an image that is wanted fresh.
    const builtIn = flags.pull !== "always" && isBuiltInName(spec.Image ?? "");
    const pull = () =>
      pullImage(session, client, reference ?? parseReference(spec.Image ?? ""), flags, builtIn);
    if (flags.pull === "always") await pull();
    const create = () => client.containers.create(spec, { name: flags.name || undefined, platform });
    let made: Awaited<ReturnType<typeof create>>;
    try {
      made = await create();
    } catch (thrown) {
      if (!isNotFound(thrown) || !reference || flags.pull !== "missing") throw thrown;
      if (!flags.quiet) {
        await session.err.line(`Unable to find image '${familiarText(withDefaultTag(reference))}' locally`);
      }
      await pull();
      made = await create();
    }
    const warnings = [...(made.Warnings ?? []), ...loopbackResolvers(spec)];
    for (const warning of warnings) await session.err.line(`WARNING: ${warning}`);
    await cidFile?.write(made.Id);
    await withApiSocket?.(made.Id).catch((thrown: unknown) => {
      throw new Error(`injecting docker config.json into container failed: ${describe(thrown)}`);
    });
    return made.Id;
  } finally {
    await cidFile?.close();
  }
}

function parsedImage(image: string): ImageReference | undefined {
  if (/^(sha256:)?[a-f0-9]{64}$/.test(image)) return undefined; // an id has no registry to be pulled from
  return parseReference(image);
}

function loopbackResolvers({ HostConfig }: ContainerSpec): string[] {
  return (HostConfig?.Dns ?? [])
    .filter((address) => address.startsWith("127.") || address === "::1")
    .map((address) => `Localhost DNS (${address}) may fail in containers.`);
}

/** Rows and columns of our terminal, so that the container's has them from its first moment; 0 where there is none. */
function consoleSize(session: Session): [number, number] {
  if (!session.out.isTerminal()) return [0, 0];
  const { terminalSize } = require("./output.ts") as typeof import("./output.ts");
  const size = terminalSize(1);
  return size ? [size.rows, size.columns] : [0, 0];
}

async function pullImage(
  session: Session,
  client: Client,
  reference: ImageReference,
  flags: CreateFlags,
  builtIn: boolean,
): Promise<void> {
  const [{ showProgress }, { authFor }] = await Promise.all([
    import("./progress.ts"),
    import("./credentials.ts"),
  ]);
  const { familiar } = await import("./reference.ts");
  const whole = withDefaultTag(reference);
  const messages = await client.images.pull({
    fromImage: familiar(whole.name),
    tag: whole.digest ?? whole.tag,
    platform: flags.platform || undefined,
    auth: await authFor(session, whole.domain),
    builtIn,
  });
  await showProgress(messages, flags.quiet ? undefined : session.err);
}

/** `linux/arm64` for `arm64`. */
async function wholePlatform(text: string): Promise<string> {
  const { parsePlatform } = await import("./platform.ts");
  try {
    return formatPlatform(parsePlatform(text));
  } catch (thrown) {
    throw new Error(`error parsing specified platform: ${describe(thrown)}`);
  }
}

/** The file for the id, held from before the container is made; gone again when none is. */
async function reserveCidFile(path: string) {
  const { open, rm } = await import("node:fs/promises");
  if (await Bun.file(path).exists()) {
    throw new Error(`container ID file found, make sure the other container isn't running or delete ${path}`);
  }
  const file = await open(path, "wx").catch((thrown: unknown) => {
    throw new Error(`failed to create the container ID file: open ${path}: ${reason(thrown)}`);
  });
  let written = false;
  return {
    async write(id: string) {
      await file.write(id);
      written = true;
    },
    async close() {
      await file.close();
      if (!written) await rm(path, { force: true });
    },
  };
}
