// Networks on the command line, held to what Docker 28.5's client asked of the same daemon and printed (networks.recorded.json).
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { berthBinary } from "../clients/berth-binary.ts";
import { type Client, clientOf } from "../clients/client.ts";
import { type RecordingDaemon, startRecordingDaemon } from "../fixtures/recording-daemon.ts";
import { answer, CASES, nameOf, perform, type Recorded } from "./network-cases.ts";
import recorded from "./networks.recorded.json";

let folder: string;
let daemon: RecordingDaemon;
let client: Client;

beforeAll(() => {
  folder = mkdtempSync("/var/tmp/berth-test-networks-");
  const socket = join(folder, "s.sock");
  daemon = startRecordingDaemon(socket, answer);
  client = clientOf("berth", berthBinary(folder), `unix://${socket}`, join(folder, "config"));
});
afterAll(() => {
  daemon?.[Symbol.dispose]();
  rmSync(folder, { recursive: true, force: true });
});

describe("as Docker's client", () => {
  const answers = recorded as Record<string, Recorded>;
  test.each(CASES.map((one) => [nameOf(one), one] as const))("%s", async (name, one) => {
    const { reason: _, ...difference } = one.difference ?? { reason: "" };
    const docker = answers[name] as Recorded;
    expect(await perform(client, daemon, one)).toEqual({ ...docker, ...difference });
    // A difference that is none any more goes.
    for (const [key, value] of Object.entries(difference))
      expect(docker[key as keyof Recorded]).not.toEqual(value);
  });
});
