// One build from the command line: `build` under all of its names.

import { rm, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { fileErrorText } from "../base/file-error.ts";
import { goBoolean } from "../base/go-boolean.ts";
import { type Client, isRemoteAddress } from "../sdk/index.ts";
import { BuildCanceled, buildFailure } from "./build-failure.ts";
import { keepLocalState, type LocalState } from "./build-history/local-state.ts";
import { LEGACY_WARNINGS } from "./build-options/flags.ts";
import { type BuildFlags, buildOrder, parseValues } from "./build-options/spec.ts";
import { progressMode, showBuild } from "./build-progress/show.ts";
import { imageId, writeMetadata } from "./build-result.ts";
import { builderName } from "./builder-name.ts";
import type { Session } from "./session.ts";

export async function runBuild(
  session: Session,
  place: string,
  flags: BuildFlags,
  given: (name: string) => boolean,
): Promise<number> {
  for (const [name, warning] of Object.entries(LEGACY_WARNINGS))
    if (given(name)) await session.err.line(`WARNING: ${warning}`);
  try {
    const values = parseValues(flags);
    if (flags.iidfile) await rm(flags.iidfile, { force: true });
    const mode = progressMode(flags.progress, flags.quiet);
    const builder = await builderName(session, flags.builder);
    const debug = session.globals.debug;
    const progress = await showBuild({ mode, builder, debug });
    const interruption = interruptible();
    let ended: ReturnType<typeof progress.end> | undefined;
    try {
      refuseTargets(values.contexts);
      const order = await buildOrder(session, place, flags, values);
      const client = await session.client();
      const ownRef = newRef();
      await keepLocalState(session.configFolder, builder, ownRef, localState(place, flags));
      const { ref, response } = await client.build({
        ...order.spec,
        ref: ownRef,
        onEvent: (event) => progress.event(event),
        signal: interruption.signal,
      });
      ended = progress.end();
      if (!order.question) response["buildx.build.ref"] = `${builder}/${builder}/${ref}`;
      if (mode === "quiet" && (flags.quiet || flags.progress === "quiet"))
        await session.out.line(imageId(response));
      if (flags.iidfile)
        await writeFile(flags.iidfile, imageId(response)).catch((thrown: unknown) => {
          throw new Error(`writing image ID file: ${fileErrorText(thrown)}`, { cause: thrown });
        });
      if (flags["metadata-file"]) {
        const withWarnings =
          !order.question && goBoolean(process.env.BUILDX_METADATA_WARNINGS ?? "") === true;
        const provenance = order.question ? {} : await provenanceOf(client, ref);
        await writeMetadata(flags["metadata-file"], response, provenance, withWarnings ? ended : []).catch(
          (thrown: unknown) => {
            throw new Error(`writing metadata file: ${fileErrorText(thrown)}`, { cause: thrown });
          },
        );
      }
      if (order.question) {
        const { printAnswer } = await import("./build-answers/print.ts");
        return await printAnswer(session.out, order.question, response, order.dockerfile);
      }
      const message = response["frontend.result.inlinemessage"];
      if (message) await session.out.write(`\n${message}\n`);
      return 0;
    } catch (thrown) {
      if (!ended) progress.end();
      throw ended ? thrown : buildFailure(thrown, "failed to build");
    } finally {
      interruption.end();
    }
  } catch (thrown) {
    throw buildFailure(thrown);
  }
}

/** In BuildKit's form: 25 letters and digits. */
function newRef(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(25));
  return Array.from(bytes, (byte) => (byte % 36).toString(36)).join("");
}

/** By BUILDX_METADATA_PROVENANCE: `min` unless it says `max`, or no. */
async function provenanceOf(client: Client, ref: string): Promise<Record<string, unknown>> {
  const asked = process.env.BUILDX_METADATA_PROVENANCE ?? "";
  if (asked === "disabled" || goBoolean(asked) === false) return {};
  const { recordProvenance } = await import("./build-history/provenance.ts");
  return recordProvenance(client, ref, asked === "max" ? "max" : "min");
}

function localState(place: string, flags: BuildFlags): LocalState {
  const isLocal = place !== "-" && !isRemoteAddress(place);
  return {
    Target: "default",
    LocalPath: isLocal ? resolve(place) : place,
    DockerfilePath: flags.file && flags.file !== "-" && isLocal ? resolve(flags.file) : flags.file,
  };
}

/** Requests to end after which the client no longer waits for the daemon. */
const PATIENCE = 3;

/** A signal that Ctrl-C aborts; the daemon then ends what it has begun. */
export function interruptible(): { signal: AbortSignal; end(): void } {
  const controller = new AbortController();
  let count = 0;
  const handler = () => {
    count++;
    controller.abort(new BuildCanceled());
    if (count < PATIENCE) return;
    process.stderr.write(`\ngot ${PATIENCE} SIGTERM/SIGINTs, forcefully exiting\n`);
    process.exit(1);
  };
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const signal of signals) process.on(signal, handler);
  return {
    signal: controller.signal,
    end() {
      for (const signal of signals) process.off(signal, handler);
    },
  };
}

/** One build has no others beside it, as bake's have. */
function refuseTargets(contexts: Readonly<Record<string, string>>): void {
  for (const [name, source] of Object.entries(contexts))
    if (source.startsWith("target:"))
      throw new Error(`failed to find target ${source.slice("target:".length)} for context ${name}`);
}
