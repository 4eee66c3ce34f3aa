// The builds that a daemon remembers: what each leaves, who is told of it, how long it stays.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { create, fromBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { History } from "../../src/builder/history/history.ts";
import { image, marshal, run, type Tree } from "../../src/buildkit/llb/index.ts";
import {
  BuildHistoryEventType,
  type BuildHistoryRecord,
  BuildHistoryRecordSchema,
} from "../../src/buildkit/messages/control_pb.ts";
import { VertexSchema } from "../../src/buildkit/messages/errors_pb.ts";
import { StatusSchema } from "../../src/buildkit/messages/status_pb.ts";
import { openStore, type Store } from "../../src/store/index.ts";
import { importBusybox } from "../fixtures/busybox.ts";
import { type Daemon, startDaemon } from "../fixtures/daemon.ts";
import { disposeAll, temporaryRoot } from "../store/temporary-root.ts";
import { type BuildClient, openBuildClient } from "./build-client.ts";

let daemon: Daemon;
let client: BuildClient;
let base: Tree;
beforeAll(async () => {
  daemon = await startDaemon();
  base = image(`docker.io/library/${await importBusybox(daemon)}`);
  client = await openBuildClient(daemon);
});
afterAll(async () => {
  await client?.[Symbol.asyncDispose]();
  await daemon?.[Symbol.asyncDispose]();
  disposeAll();
});

const sh = (script: string) => run(base, { args: ["/bin/sh", "-c", script], env: { PATH: "/bin" } }).root;
const newRef = () => crypto.randomUUID().replaceAll("-", "").slice(0, 25);

interface Asked {
  ref?: string;
  exporters?: { type: string; attrs: Record<string, string> }[];
  frontendAttrs?: Record<string, string>;
  internal?: boolean;
  signal?: AbortSignal;
}

/** Builds, and answers the name that it did so by. */
async function build(tree: Tree, { signal, ref = newRef(), ...asked }: Asked = {}): Promise<string> {
  await client.control.solve({ definition: marshal(tree), ...asked, ref }, { ...(signal && { signal }) });
  return ref;
}

async function records(query: Parameters<BuildClient["control"]["listenBuildHistory"]>[0] = {}) {
  const found: BuildHistoryRecord[] = [];
  for await (const { record } of client.control.listenBuildHistory({ earlyExit: true, ...query }))
    if (record) found.push(record);
  return found;
}

async function recordOf(ref: string): Promise<BuildHistoryRecord> {
  const [record] = await records({ ref });
  if (!record) throw new Error(`no record of ${ref}`);
  return record;
}

async function blob(digest: string, range = {}): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const { data } of client.content.read({ digest, ...range })) parts.push(data);
  return Buffer.concat(parts);
}

async function outputOf(ref: string): Promise<string> {
  let output = "";
  for await (const { logs } of client.control.status({ ref }))
    output += logs.map(({ msg }) => Buffer.from(msg).toString()).join("");
  return output;
}

async function restarted(): Promise<void> {
  await client[Symbol.asyncDispose]();
  await daemon.restart();
  client = await openBuildClient(daemon);
}

describe("a build leaves", () => {
  test("what was asked, how far it came, what it said, what it made and how", async () => {
    const ref = await build(sh("echo told; echo made > /made"), {
      exporters: [{ type: "image", attrs: { name: "docker.io/library/recorded:1" } }],
      frontendAttrs: { target: "web", "build-arg:A": "b" },
    });
    const record = await recordOf(ref);
    expect(record).toMatchObject({
      frontendAttrs: { target: "web", "build-arg:A": "b" },
      exporters: [{ type: "image", attrs: { name: "docker.io/library/recorded:1" } }],
      numTotalSteps: 3, // The base, the step, the export
      numCompletedSteps: 3,
      numCachedSteps: 1,
      numWarnings: 0,
      pinned: false,
    });
    expect(record.error).toBeUndefined();
    expect(record.completedAt!.seconds).toBeGreaterThanOrEqual(record.createdAt!.seconds);

    const [attestation] = record.result!.attestations;
    expect(attestation).toMatchObject({
      mediaType: "application/vnd.in-toto+json",
      annotations: { "in-toto.io/predicate-type": "https://slsa.dev/provenance/v0.2" },
    });
    const provenance = JSON.parse((await blob(attestation!.digest)).toString());
    expect(provenance.materials[0].uri).toStartWith("pkg:docker/test-busybox@1");
    expect(provenance.buildConfig.llbDefinition.length).toBeGreaterThan(1);

    const made = record.result!.results["0"]!;
    expect(made.mediaType).toBe("application/vnd.docker.distribution.manifest.v2+json");
    const manifest = JSON.parse((await blob(made.digest)).toString());
    expect(manifest.layers).toHaveLength(2);

    expect(await outputOf(ref)).toBe("told\n");
    const { digest, size } = record.logs!;
    expect((await blob(digest)).length).toBe(Number(size));
    expect((await blob(digest, { offset: 4n, size: 10n })).length).toBe(10);
  });

  test("its failure, with the step that it was", async () => {
    const ref = newRef();
    const failure = await build(sh("echo before; exit 3"), { ref }).then(() => undefined, ConnectError.from);
    const { error, externalError } = await recordOf(ref);
    expect(error).toMatchObject({ code: failure!.code, message: failure!.rawMessage, details: [] });
    const status = fromBinary(StatusSchema, await blob(externalError!.digest));
    expect(status.message).toContain("exit code: 3");
    const [vertex] = status.details.map((detail) => anyUnpack(detail, VertexSchema));
    expect(vertex?.digest).toStartWith("sha256:");
    expect(await outputOf(ref)).toBe("before\n");
  });

  test("that its client left", async () => {
    const ref = newRef();
    const leaving = new AbortController();
    const building = build(sh("echo begun; sleep 60"), { ref, signal: leaving.signal });
    for await (const { logs } of client.control.status({ ref })) if (logs.length > 0) break;
    leaving.abort();
    await building.catch(() => {});
    for await (const { type, record } of client.control.listenBuildHistory({ ref }))
      if (type === BuildHistoryEventType.COMPLETE) {
        expect(record!.error).toMatchObject({ code: Code.Canceled, message: "context canceled" });
        break;
      }
  });

  test("no passwords", async () => {
    const imports = [{ Type: "s3", Attrs: { bucket: "b", secret_access_key: "hidden1" } }];
    const ref = await build(sh("true"), {
      frontendAttrs: {
        context: "https://me:hidden2@host/repo.git",
        "cache-imports": JSON.stringify(imports),
      },
    });
    const { frontendAttrs } = await recordOf(ref);
    expect(frontendAttrs.context).toBe("https://xxxxx:xxxxx@host/repo.git");
    expect(frontendAttrs["cache-imports"]).toContain("bucket");
    expect(JSON.stringify(frontendAttrs)).not.toContain("hidden");
  });

  test("nothing when it was a question", async () => {
    const ref = await build(sh("true"), { internal: true });
    expect(await records({ ref })).toEqual([]);
  });
});

describe("those who listen", () => {
  test("hear of builds as they begin, end, change and go", async () => {
    const leaving = new AbortController();
    const ref = newRef();
    const heard: [string, boolean][] = [];
    const listening = (async () => {
      const events = client.control.listenBuildHistory({ ref }, { signal: leaving.signal });
      for await (const { type, record } of events) {
        heard.push([BuildHistoryEventType[type], record!.pinned]);
        if (heard.length === 4) return;
      }
    })();
    await build(sh("true"), { ref });
    await recordOf(ref);
    await client.control.updateBuildHistory({ ref, pinned: true });
    await client.control.updateBuildHistory({ ref, delete: true });
    await listening;
    expect(heard).toEqual([
      ["STARTED", false],
      ["COMPLETE", false],
      ["COMPLETE", true],
      ["DELETED", false],
    ]);
    leaving.abort();
  });

  test("are told of running builds, by the daemon's clock", async () => {
    const leaving = new AbortController();
    const ref = newRef();
    const building = build(sh("echo begun; sleep 60"), { ref, signal: leaving.signal });
    for await (const { logs } of client.control.status({ ref })) if (logs.length > 0) break;
    let clock: string | null = null;
    const onHeader = (headers: Headers) => {
      clock = headers.get("buildkit-current-timestamp");
    };
    const active: string[] = [];
    const query = { activeOnly: true, earlyExit: true };
    for await (const { type, record } of client.control.listenBuildHistory(query, { onHeader })) {
      expect(type).toBe(BuildHistoryEventType.STARTED);
      expect(record!.completedAt).toBeUndefined();
      active.push(record!.ref);
    }
    expect(active).toEqual([ref]);
    expect(Math.abs(Date.parse(clock ?? "") - Date.now())).toBeLessThan(60_000);
    const removal = client.control.updateBuildHistory({ ref, delete: true });
    await expect(removal).rejects.toThrow("is running: cancel it first");
    leaving.abort();
    await building.catch(() => {});
  });

  test("may ask for some, and for the newest", async () => {
    const refs = [await build(sh("true")), await build(sh("true")), newRef()];
    await build(sh("exit 1"), { ref: refs[2]! }).catch(() => {});
    expect((await records({ limit: 2 })).map(({ ref }) => ref)).toEqual([refs[2]!, refs[1]!]);
    const failed = await records({ filter: ["status==error,startedAt>1h"] });
    expect(failed.map(({ ref }) => ref)).toContain(refs[2]!);
    expect(failed.map(({ ref }) => ref)).not.toContain(refs[0]!);
    await expect(records({ filter: ["nonsense><"] })).rejects.toThrow("failed to parse history filters");
    await expect(records({ limit: -1 })).rejects.toThrow("invalid limit -1");
  });

  test("learn that what they name isn't there", async () => {
    const { updateBuildHistory } = client.control;
    await expect(updateBuildHistory({ ref: "none", delete: true })).rejects.toThrow(
      'lease "ref_none": not found',
    );
    await expect(updateBuildHistory({ ref: "none", pinned: true })).rejects.toThrow(
      "failed to retrieve ref none",
    );
    await updateBuildHistory({ ref: "none", finalize: true });
    const absent = `sha256:${"0".repeat(64)}`;
    await expect(client.content.info({ digest: absent })).rejects.toThrow(
      `content digest ${absent}: not found`,
    );
    await expect(client.content.delete({ digest: absent })).rejects.toThrow("read-only content store");
  });
});

describe("a record stays", () => {
  test("without its image, and goes with all that was its own", async () => {
    const name = "forgotten:1";
    const ref = await build(sh("echo forgotten > /own"), {
      exporters: [{ type: "image", attrs: { name: `docker.io/library/${name}` } }],
    });
    const { result, logs } = await recordOf(ref);
    const manifest = result!.results["0"]!.digest;
    const before = await blob(manifest);
    await daemon.request("DELETE", `/images/${name}`);
    expect((await daemon.request("GET", `/images/${name}/json`)).status).toBe(404);
    expect(await blob(manifest)).toEqual(before);
    expect((await client.content.info({ digest: manifest })).info?.size).toBe(BigInt(before.length));
    expect(await outputOf(ref)).toBe("");

    await client.control.updateBuildHistory({ ref, delete: true });
    expect(await records({ ref })).toEqual([]);
    await expect(blob(manifest)).rejects.toThrow("not found");
    await daemon.request("POST", "/images/prune");
    for (const { digest } of [logs!, ...result!.attestations])
      expect(existsSync(join(daemon.dataRoot, "content", digest.replace(":", "/")))).toBe(false);
  });

  test("when the daemon is killed; a build that ran then is none", async () => {
    const ended = await build(sh("echo outlived"));
    const before = await recordOf(ended);
    const running = newRef();
    const building = build(sh("echo begun; sleep 60"), { ref: running }).catch(() => {});
    for await (const { logs } of client.control.status({ ref: running })) if (logs.length > 0) break;
    await daemon.kill9();
    await building;
    await restarted();
    expect(await recordOf(ended)).toEqual(before);
    expect(await outputOf(ended)).toBe("outlived\n");
    expect(await records({ ref: running })).toEqual([]);
    expect(await records({ activeOnly: true })).toEqual([]);
  });

  test("when the daemon is stopped, which breaks off what runs", async () => {
    const ref = newRef();
    const building = build(sh("echo begun; sleep 60"), { ref }).catch(() => {});
    for await (const { logs } of client.control.status({ ref })) if (logs.length > 0) break;
    await restarted();
    await building;
    expect((await recordOf(ref)).error).toMatchObject({ code: Code.Canceled });
    expect(await outputOf(ref)).toBe("begun\n");
  });

  test("as long as it is pinned, young, or one of the fifty last", async () => {
    await using store = await openStore({ root: temporaryRoot() });
    const history = new History(store);
    const [old, young] = [Date.now() / 1000 - 50 * 3600, Date.now() / 1000 - 46 * 3600];
    for (let at = 0; at < 60; at++) await keep(store, history, `old${String(at).padStart(2, "0")}`, old + at);
    await keep(store, history, "young", young);
    await history.pin("old00", true);
    const refs = await refsOf(new History(store));
    // The young one and the last 49 of the others, besides the pinned one
    expect(refs).toEqual(["old00", ...Array.from({ length: 49 }, (_, at) => `old${at + 11}`), "young"]);
    await store.collectGarbage();
    expect(store.content.list()).toHaveLength(refs.length);
  });
});

async function keep(store: Store, history: History, ref: string, ended: number): Promise<void> {
  await history.end(ref, async (lease) => {
    const { digest } = await store.content.put(Buffer.from(`log of ${ref}`), lease);
    const completedAt = { seconds: BigInt(Math.floor(ended)), nanos: 0 };
    const record = create(BuildHistoryRecordSchema, { ref, completedAt });
    return { record, blobs: [digest], documents: new Map() };
  });
}

async function refsOf(history: History): Promise<string[]> {
  const query = { ref: "", activeOnly: false, earlyExit: true, filters: [], limit: 0 };
  const events = history.listen(query, new AbortController().signal);
  return (await Array.fromAsync(events)).map(({ record }) => record!.ref);
}
