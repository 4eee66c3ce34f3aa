// What create refuses, in the peer's words as recorded. Ours refuses before anything is made what the peer notices only
// at the start, wherever that can be known without the image's files.
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { BerthError } from "../../src/base/errors.ts";
import { deviceNumber, findDevices } from "../../src/runtime/bundle/devices.ts";
import { mergeImageConfig } from "../../src/runtime/bundle/merge-image-config.ts";
import { limitedDevices } from "../../src/runtime/bundle/resources.ts";
import { resolveUser } from "../../src/runtime/bundle/user.ts";
import { validate } from "../../src/runtime/bundle/validate.ts";
import { editsForRequests } from "../../src/runtime/cdi/index.ts";
import { named } from "../../src/volumes/make-remove.ts";
import { checkVolumeName } from "../../src/volumes/names.ts";
import { planMounts } from "../../src/volumes/plan.ts";
import { GROUP, PASSWD } from "./accounts.ts";
import { IMAGE, RECORDED, type RecordedHost, read } from "./case.ts";
import { REFUSALS, type RecordedRefusal, type Refusal } from "./refusals.ts";

const host = read<RecordedHost>(join(RECORDED, "host.json"));
const recorded = read<RecordedRefusal[]>(join(RECORDED, "refusals.json"));

/** All that create and start look at, in that order. */
async function lookAtAll({ config = {}, hostConfig = {} }: Refusal): Promise<void> {
  const merged = mergeImageConfig(config, IMAGE);
  const defaults = { runtimes: ["runc", "crun"] };
  validate(merged, hostConfig, host.environment, defaults, host.facts);
  const mounts = planMounts(
    {
      binds: hostConfig.Binds ?? [],
      mounts: hostConfig.Mounts ?? [],
      tmpfs: hostConfig.Tmpfs ?? {},
      imageVolumes: [],
      inherited: [],
    },
    { dataRoot: "/var/lib/berth" },
  );
  // What a plugin's volumes may be called is the plugin's; of local ones it is looked at when they are taken.
  for (const { type, source } of mounts) if (type === "volume" && source !== "") checkName(source);
  editsForRequests(hostConfig.DeviceRequests ?? [], []);
  resolveUser(merged.User ?? "", hostConfig.GroupAdd, { passwd: PASSWD, group: GROUP });
  await Promise.all((hostConfig.Devices ?? []).map(findDevices));
  await Promise.all(limitedDevices(hostConfig).map(deviceNumber));
}

function checkName(name: string): void {
  try {
    checkVolumeName(name);
  } catch (thrown) {
    throw named("create", name, thrown);
  }
}

/** Docker's message ends in the words of Go's JSON reader, ours in those of JavaScript's. */
const comparable = (message: string) => message.replace(/^(Decoding seccomp profile failed: ).*$/, "$1…");

describe(`refused in the words of ${host.peer}`, () => {
  test("the recording is of these options", () => {
    expect(recorded.map(({ config, hostConfig }) => ({ config, hostConfig }))).toEqual(
      JSON.parse(JSON.stringify(REFUSALS)),
    );
  });
  for (const each of recorded)
    test(`${JSON.stringify(each.config ?? {})} ${JSON.stringify(each.hostConfig ?? {})}`, async () => {
      const thrown = await lookAtAll(each).then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(thrown).toBeInstanceOf(BerthError);
      expect((thrown as BerthError).kind).toBe("invalid");
      expect(comparable((thrown as BerthError).message)).toBe(comparable(each.message));
    });
});
