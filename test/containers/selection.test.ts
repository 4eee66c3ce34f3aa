// Which containers a reference finds and a list shows, over real rows; and what the state machine refuses.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import {
  now,
  openContainers,
  recordCreated,
  recordExit,
  recordPaused,
  recordRemoved,
  recordRemoving,
  recordRunning,
  selectContainers,
} from "../../src/containers/index.ts";
import type { ContainerId, ContainerRecord, Containers } from "../../src/containers/types.ts";
import type { Digest } from "../../src/oci/digest.ts";
import { detectEnvironment } from "../../src/runtime/index.ts";
import { openStore } from "../../src/store/index.ts";
import type { SnapshotId, Store } from "../../src/store/types.ts";

let root: string;
let store: Store;
let containers: Containers;
let emitted: string[];

beforeEach(async () => {
  root = mkdtempSync("/var/tmp/berth-test-");
  store = await openStore({ root });
  emitted = [];
  containers = open();
});
afterEach(async () => {
  await store.close();
  rmSync(root, { recursive: true });
});

const open = () =>
  openContainers({
    store,
    environment: detectEnvironment({ dataRoot: root, execRoot: `${root}/exec`, bridge: "bt0" }),
    emit: (record, action) => emitted.push(`${record.name} ${action}`),
    check: async () => ({ exitCode: 0, output: "" }),
  });

function add(id: string, name: string, more: Partial<ContainerRecord> = {}): ContainerRecord {
  const record: ContainerRecord = {
    id: id.padEnd(64, "0") as ContainerId,
    name,
    createdAt: now(),
    state: { status: "created" },
    imageName: "busybox",
    imageId: `sha256:${"a".repeat(64)}` as Digest,
    manifest: `sha256:${"b".repeat(64)}` as Digest,
    platform: { os: "linux", architecture: "amd64" },
    config: {},
    hostConfig: {},
    networking: {},
    mounts: [],
    snapshot: "1" as SnapshotId,
    path: "sh",
    args: [],
    restartCount: 0,
    stoppedByUser: false,
    runtime: "",
    logPath: "",
    ...more,
  };
  recordCreated(containers, record, () => {});
  return record;
}

const start = ({ id }: ContainerRecord) =>
  recordRunning(containers, id, { pid: 1, startedAt: now(), byUser: true });
const end = ({ id }: ContainerRecord, code: number) =>
  recordExit(containers, id, {
    exit: { code, oomKilled: false, finishedAt: now() },
  }).tell();

async function names(filters: Record<string, string[]>, more: { all?: boolean; limit?: number } = {}) {
  const found = await selectContainers(
    { all: more.all ?? true, limit: more.limit ?? 0, filters },
    {
      records: containers.records,
      ancestors: async (reference) => new Set(reference === "busybox" ? [`sha256:${"a".repeat(64)}`] : []),
      health: (id) => containers.health.of(id),
      summarise: (record) => ({
        NetworkSettings: record.name === "web" ? { Networks: { bridge: { NetworkID: "n123" } } } : {},
        Ports: record.name === "web" ? [{ PrivatePort: 80, PublicPort: 8080, Type: "tcp" }] : [],
      }),
    },
  );
  return found.map(({ name }) => name);
}

describe("a reference", () => {
  test("is a full id, a name with or without its slash, or the beginning of an id", () => {
    const record = add("abc1", "web");
    add("abd2", "abc");
    for (const reference of [record.id, "web", "/web", "abc1", "abc10"])
      expect(containers.find(reference).name).toBe("web");
    expect(containers.find("abc").name).toBe("abc"); // a name goes before the beginning of an id
    expect(() => containers.find("ab")).toThrow("multiple IDs found with provided prefix: ab");
    expect(() => containers.find("nobody")).toThrow("No such container: nobody");
    expect(() => containers.find("")).toThrow('invalid name or ID supplied: ""');
  });

  test("a name belongs to one; the row itself refuses a second", () => {
    add("1", "web");
    expect(() => add("2", "web")).toThrow();
    expect(containers.all()).toHaveLength(1);
    expect(open().all()).toHaveLength(1);
  });
});

test("the rows are what the next daemon reads", () => {
  const record = add("1", "web");
  start(record);
  end(record, 3);
  expect(open().find("web")).toEqual(containers.find("web"));
});

describe("filters", () => {
  beforeEach(() => {
    add("a1", "first", { config: { Labels: { team: "red", empty: "" } } });
    const web = add("b2", "web", {
      config: { Labels: { team: "blue" } },
      mounts: [
        { type: "volume", source: "data", destination: "/data", readOnly: false, mode: "", copyUp: true },
      ],
    });
    start(web);
    const done = add("c3", "done", { imageId: `sha256:${"c".repeat(64)}` as Digest });
    start(done);
    end(done, 3);
    const paused = add("d4", "paused");
    start(paused);
    recordPaused(containers, paused.id, true);
  });

  const cases: [Record<string, string[]>, string[]][] = [
    [{}, ["paused", "done", "web", "first"]],
    [{ id: ["a1"] }, ["first"]],
    [{ name: ["^/?we"] }, ["web"]],
    [{ name: ["e"] }, ["paused", "done", "web"]],
    [{ name: ["web", "first"] }, ["web", "first"]],
    [{ name: ["["] }, []],
    [{ label: ["team"] }, ["web", "first"]],
    [{ label: ["team=red"] }, ["first"]],
    [{ label: ["team=red", "empty"] }, ["first"]],
    [{ label: ["team=red", "team=blue"] }, []],
    [{ status: ["created"] }, ["first"]],
    [{ status: ["paused", "exited"] }, ["paused", "done"]],
    [{ exited: ["3"] }, ["done"]],
    [{ exited: ["0"] }, []],
    [{ before: ["done"] }, ["web", "first"]],
    [{ since: ["web"] }, ["paused", "done"]],
    [{ since: ["first"], before: ["paused"] }, ["done", "web"]],
    [{ volume: ["data"] }, ["web"]],
    [{ volume: ["/data"] }, ["web"]],
    [{ volume: ["/other"] }, []],
    [{ network: ["bridge"] }, ["web"]],
    [{ network: ["n12"] }, ["web"]],
    [{ publish: ["8080"] }, ["web"]],
    [{ publish: ["8000-9000/tcp"] }, ["web"]],
    [{ publish: ["8080/udp"] }, []],
    [{ publish: ["8080/xyz"] }, []],
    [{ expose: ["80"] }, ["web"]],
    [{ ancestor: ["busybox"] }, ["paused", "web", "first"]],
    [{ ancestor: ["other"] }, []],
    [{ health: ["none"] }, ["paused", "done", "web", "first"]],
    [{ health: ["healthy"] }, []],
    [{ "is-task": ["true"] }, []],
    [{ "is-task": ["false"] }, ["paused", "done", "web", "first"]],
  ];
  test.each(cases)("%j", async (filters, expected) => {
    expect(await names(filters)).toEqual(expected);
  });

  test("without -a only those that run; with -n the newest, whatever their state", async () => {
    expect(await names({}, { all: false })).toEqual(["paused", "web"]);
    expect(await names({}, { all: false, limit: 2 })).toEqual(["paused", "done"]);
    expect(await names({ status: ["exited"] }, { all: false })).toEqual(["done"]);
  });

  const refused: [Record<string, string[]>, string][] = [
    [{ colour: ["red"] }, "invalid filter 'colour'"],
    [
      { status: ["asleep"] },
      "invalid filter 'status=asleep': invalid value for state (asleep): must be one of created, running, paused, restarting, removing, exited, dead",
    ],
    [{ exited: ["x"] }, `invalid filter 'exited=x': strconv.Atoi: parsing "x": invalid syntax`],
    [{ before: ["nobody"] }, "No such container: nobody"],
    [{ "is-task": ["x"] }, "invalid filter 'is-task=[x]'"],
    [{ publish: ["1:2"] }, "filter for 'publish' should not contain ':': 1:2"],
    [
      { publish: ["abc"] },
      'error while looking up for publish abc: strconv.ParseUint: parsing "abc": invalid syntax',
    ],
    [
      { publish: ["70000"] },
      'error while looking up for publish 70000: strconv.ParseUint: parsing "70000": value out of range',
    ],
    [
      { expose: ["1-x"] },
      'error while looking up for expose 1-x: strconv.ParseUint: parsing "x": invalid syntax',
    ],
    [
      { publish: ["5-3"] },
      "error while looking up for publish 5-3: Invalid range specified for the Port: 5-3",
    ],
    [{ publish: [""] }, "error while looking up for publish : Empty string specified for ports."],
  ];
  test.each(refused)("refuses %j", async (filters, text) => {
    expect(await names(filters).catch((error: Error) => error.message)).toBe(text);
  });
});

describe("the state machine", () => {
  test("tells each change once, in order", () => {
    const record = add("1", "web");
    start(record);
    recordPaused(containers, record.id, true);
    recordPaused(containers, record.id, false);
    end(record, 0);
    const marked = recordRemoving(containers, record.id, { volumes: true });
    recordRemoved(containers, marked, () => {});
    expect(emitted).toEqual(
      ["create", "start", "pause", "unpause", "die", "destroy"].map((action) => `web ${action}`),
    );
    expect(containers.all()).toEqual([]);
  });

  test("refuses what can't be, and changes nothing", () => {
    const record = add("1", "web");
    expect(() => end(record, 0)).toThrow("is created and can't become exited");
    expect(() => recordPaused(containers, record.id, true)).toThrow("is not running");
    start(record);
    expect(() => start(record)).toThrow("is running and can't become running");
    expect(() => recordRemoving(containers, record.id, { volumes: false })).toThrow(
      "is running and can't become removing",
    );
    expect(containers.find("web").state.status).toBe("running");
    expect(open().find("web").state.status).toBe("running");
  });

  test("wakes those who wait: for a stop, for the next one, for the removal", async () => {
    const record = add("1", "web");
    expect(await containers.waiters.wait(record, "not-running")).toEqual({ StatusCode: 0 });
    const running = start(record);
    const waits = (["not-running", "next-exit", "removed"] as const).map((condition) =>
      containers.waiters.wait(running, condition),
    );
    end(record, 7);
    expect(await waits[0]).toEqual({ StatusCode: 7 });
    expect(await waits[1]).toEqual({ StatusCode: 7 });
    expect(await Promise.race([waits[2], Bun.sleep(20)])).toBeUndefined();
    recordRemoved(containers, recordRemoving(containers, record.id, { volumes: false }), () => {});
    expect(await waits[2]).toEqual({ StatusCode: 7 });
    const abort = new AbortController();
    const given = containers.waiters.wait(add("2", "other"), "next-exit", abort.signal);
    abort.abort(new Error("gone"));
    expect(given).rejects.toThrow("gone");
  });
});
