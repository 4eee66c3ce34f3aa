// The exporters `local` and `tar`: the result's files in a folder of the client's, or as an archive (BuildKit, exporter/local,
// exporter/tar). Platforms that were asked for by name have a folder each. The trees are read by confined workers.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { invalid, notImplemented, systemError } from "../../base/errors.ts";
import { encodeJson } from "../../oci/json.ts";
import {
  exportFromView,
  fileDigestsInView,
  fileNamesInView,
  sendFromView,
  type TreeView,
} from "../../store/index.ts";
import type { LeaseId, SnapshotId, Store } from "../../store/types.ts";
import { Views } from "../solver/views.ts";
import type { BuildHost, ExportedPlatform, ExporterResponse, View } from "../types.ts";
import { statementOf } from "./attestations/statement.ts";
import { type Exporter, type ExportInput, type ExportSteps, isMultiPlatform } from "./exporter.ts";
import { flagOf, readEpoch } from "./image-options.ts";
import { callFileSend, endOf, sendBytes } from "./send-bytes.ts";

interface FilesOptions {
  attestationPrefix: string;
  /** A folder for each platform; undefined: where platforms were asked for by name. */
  split: boolean | undefined;
  epoch?: number;
}

type Attributes = Readonly<Record<string, string>>;

/** Errors: invalid for options that can't be read. */
function readOptions(attributes: Attributes): FilesOptions {
  const epoch = readEpoch(attributes["source-date-epoch"], "source-date-epoch");
  return {
    attestationPrefix: attributes["attestation-prefix"] ?? "",
    split:
      attributes["platform-split"] === undefined ? undefined : flagOf(attributes, "platform-split", true),
    ...(epoch !== undefined && { epoch }),
  };
}

/** `local`. Errors: invalid; not-implemented, for `mode=delete`, which Docker 28 hasn't got. */
export function folderExporter(attributes: Attributes, { store }: BuildHost): Exporter {
  const options = readOptions(attributes);
  const { mode = "copy" } = attributes;
  if (mode === "delete") throw notImplemented("mode=delete of local outputs is not implemented in Berth");
  if (mode !== "copy") throw invalid(`invalid local exporter mode ${JSON.stringify(mode)}`);
  return {
    title: "exporting to client directory",
    export: (input, steps) => exportFolder(store, options, input, steps),
  };
}

/** Errors: invalid for options that can't be read. */
export function tarExporter(attributes: Attributes, { store }: BuildHost): Exporter {
  const options = readOptions(attributes);
  return {
    title: "exporting to client tarball",
    export: (input, steps) => exportTar(store, options, input, steps),
  };
}

const folderOf = (id: string): string => id.replaceAll("/", "_");

async function exportFolder(
  store: Store,
  asked: FilesOptions,
  input: ExportInput,
  steps: ExportSteps,
): Promise<ExporterResponse> {
  const options = withEpoch(asked, input);
  const split = options.split ?? isMultiPlatform(input.platforms);
  const session = await input.session();
  const together = split ? undefined : new Map<string, string>();
  await Promise.all(
    input.platforms.map(async (platform) => {
      await using tree = await openTree(store, platform, options, input);
      if (together) await claimPaths(together, tree.path, platform.id, input.signal);
      const prefix = split && platform.id ? folderOf(platform.id) : undefined;
      using folder = prefix === undefined ? undefined : emptyFolder(store, [prefix]);
      const view = viewOf(folder, tree.path, prefix);
      await steps.step(prefix ? `copying files ${platform.id}` : "copying files", async (part) => {
        const call = callFileSend(session, { number: input.number, metadata: {} });
        const cancel = () => call.cancel();
        input.signal.addEventListener("abort", cancel, { once: true });
        let current = 0;
        try {
          await sendFromView(view, {
            input: call.chunks,
            async output(chunk) {
              await call.write(chunk);
              current += chunk.length;
              part({ name: "transferring", current });
            },
            options: {
              ...(prefix !== undefined && { prefix }),
              ...(options.epoch !== undefined && { time: options.epoch }),
            },
            signal: input.signal,
          });
          call.end();
          await call.status;
        } catch (thrown) {
          input.signal.throwIfAborted();
          // A client that leaves says why in its status.
          throw (await endOf(call)) ?? thrown;
        } finally {
          input.signal.removeEventListener("abort", cancel);
          call.cancel();
        }
      });
    }),
  );
  return {};
}

/** Where platforms share a folder, none may write what another one does. Errors: system, in BuildKit's words. */
async function claimPaths(
  taken: Map<string, string>,
  tree: string,
  platform: string,
  signal: AbortSignal,
): Promise<void> {
  for (const path of await fileNamesInView({ root: tree, readOnly: true, mounts: [] }, signal)) {
    const other = taken.get(path);
    if (other !== undefined)
      throw systemError(
        `cannot overwrite ${path} from ${other} with ${platform} when split option is disabled`,
      );
    taken.set(path, platform);
  }
}

async function exportTar(
  store: Store,
  asked: FilesOptions,
  input: ExportInput,
  steps: ExportSteps,
): Promise<ExporterResponse> {
  const options = withEpoch(asked, input);
  const { platforms, signal } = input;
  await using trees = new AsyncDisposableStack();
  const opened: string[] = [];
  for (const platform of platforms)
    opened.push(trees.use(await openTree(store, platform, options, input)).path);
  const folders = isMultiPlatform(platforms) ? platforms.map(({ id }) => folderOf(id)) : undefined;
  using empty = folders && emptyFolder(store, folders);
  const view: TreeView = empty
    ? { root: empty.path, readOnly: true, mounts: opened.map((path, at) => mountOf(path, folders![at]!)) }
    : { root: opened[0]!, readOnly: true, mounts: [] };
  const exported = {
    plainTops: folders !== undefined,
    ...(options.epoch !== undefined && { time: options.epoch }),
  };
  const session = await input.session();
  await steps.step("sending tarball", (part) =>
    sendBytes(session, exportFromView(view, exported, signal).chunks, {
      number: input.number,
      metadata: {},
      signal,
      sent: (current) => part({ current }),
    }),
  );
  return {};
}

function viewOf(folder: { path: string } | undefined, tree: string, prefix: string | undefined): TreeView {
  if (!folder || prefix === undefined) return { root: tree, readOnly: true, mounts: [] };
  return { root: folder.path, readOnly: true, mounts: [mountOf(tree, prefix)] };
}

const mountOf = (source: string, folder: string) => ({
  source,
  destination: `/${folder}`,
  readOnly: true,
  recursive: false,
  readOnlyBelow: false,
});

function withEpoch(options: FilesOptions, { metadata }: ExportInput): FilesOptions {
  const bytes = metadata.get("source.date.epoch");
  if (options.epoch !== undefined || !bytes) return options;
  const epoch = readEpoch(Buffer.from(bytes).toString(), "SOURCE_DATE_EPOCH from frontend");
  return { ...options, ...(epoch !== undefined && { epoch }) };
}

/** A platform's tree, mounted to be read, with what is attested of it as files in it. */
async function openTree(
  store: Store,
  platform: ExportedPlatform,
  options: FilesOptions,
  { lease, signal }: ExportInput,
): Promise<View> {
  const views = new Views(store);
  const snapshot = await platform.ref?.snapshot();
  const result = views.open(snapshot);
  const attested = (platform.attestations ?? []).filter(({ inlineOnly }) => !inlineOnly);
  if (attested.length === 0) return result;
  try {
    const subjects = (await fileDigestsInView({ root: result.path, readOnly: true, mounts: [] }, signal)).map(
      ({ path, digest }) => ({ name: path, digest: { sha256: digest } }),
    );
    const files = new Map<string, Uint8Array>();
    for (const { path, predicateType, predicate } of attested) {
      const name = options.attestationPrefix + basename(path);
      if (files.has(name)) throw invalid(`duplicate attestation path name ${name}`);
      files.set(
        name,
        encodeJson(statementOf(predicateType, subjects, await predicate({ store, signal })), 2),
      );
    }
    return await withFiles(store, views, { snapshot, files, lease });
  } finally {
    await result[Symbol.asyncDispose]();
  }
}

/** One more layer for as long as it is read. */
async function withFiles(
  store: Store,
  views: Views,
  {
    snapshot,
    files,
    lease,
  }: { snapshot: SnapshotId | undefined; files: Map<string, Uint8Array>; lease: LeaseId },
): Promise<View> {
  const { snapshots } = store;
  const top = await snapshots.createActive(snapshot && { on: snapshot }, lease);
  try {
    for (const [name, bytes] of files)
      writeFileSync(join(snapshots.directory(top), name), bytes, { mode: 0o600 });
    const view = views.open(top);
    return {
      path: view.path,
      async [Symbol.asyncDispose]() {
        await view[Symbol.asyncDispose]();
        await snapshots.remove(top);
      },
    };
  } catch (thrown) {
    await snapshots.remove(top);
    throw thrown;
  }
}

/** With these folders in it, where trees are mounted. */
function emptyFolder(store: Store, names: readonly string[]): Disposable & { path: string } {
  const path = mkdtempSync(join(store.root, "scratch", "build-export-"));
  for (const name of names) mkdirSync(join(path, name));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
