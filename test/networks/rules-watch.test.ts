// What the kernel tells of changes of a rule set, read in a namespace of the test's own.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { whenRulesChange } from "../../src/linux/netlink/rules-alarm.ts";
import { type RulesWatch, watchRules } from "../../src/linux/netlink/rules-watch.ts";
import { inNamespace } from "../../src/linux/netns.ts";
import { type Host, startHost } from "./machine.ts";

let host: Host;
let watch: RulesWatch;

beforeAll(async () => {
  host = await startHost("--net");
  inNamespace(host.namespace, () => {
    watch = watchRules();
  });
});
afterAll(async () => {
  watch?.[Symbol.dispose]();
  await host?.[Symbol.asyncDispose]();
});

function nft(commands: string): void {
  const words = ["nsenter", `--net=${host.namespace}`, "nft", "--file", "-"];
  const done = Bun.spawnSync(words, { stdin: Buffer.from(commands) });
  if (done.exitCode !== 0) throw new Error(done.stderr.toString());
}
const read = (...own: number[]) => {
  const { tables, ...rest } = watch.read(new Set(own));
  return { tables: [...tables].sort(), ...rest };
};

test("names the tables that a transaction changed, whatever it changed in them", () => {
  expect(read()).toEqual({ tables: [], lost: false });
  nft("add table inet one; add table ip two");
  const first = read();
  expect(first.tables).toEqual(["inet one", "ip two"]);
  const number = first.generation ?? 0;
  nft("add set inet one s { type ifname; }; add element inet one s { eth0 }");
  nft("add chain ip two c; add rule ip two c accept");
  expect(read()).toEqual({ tables: ["inet one", "ip two"], lost: false, generation: number + 2 });
  nft("delete element inet one s { eth0 }");
  expect(read()).toEqual({ tables: ["inet one"], lost: false, generation: number + 3 });
  nft("flush chain ip two c");
  expect(read().tables).toEqual(["ip two"]);
  expect(read()).toEqual({ tables: [], lost: false });
});

test("leaves out our own transactions, by their numbers", () => {
  nft("add chain ip two c2");
  const number = read().generation ?? 0;
  nft("add chain inet one ours");
  nft("add chain ip two theirs");
  expect(read(number + 1)).toEqual({ tables: ["ip two"], lost: false, generation: number + 2 });
});

test("says when there was more than fits", () => {
  using small = inNamespace(host.namespace, () => watchRules({ room: 8_192 }));
  const elements = Array.from({ length: 2_000 }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
  nft(`add set inet one many { type ipv4_addr; }; add element inet one many { ${elements.join(", ")} }`);
  expect(small.read(new Set()).lost).toBe(true);
  nft("add chain ip two c3");
  expect(small.read(new Set())).toMatchObject({ lost: false, tables: new Set(["ip two"]) });
});

test("the alarm goes soon after a change, and after more changes than fit in its buffer", async () => {
  let calls = 0;
  using _alarm = inNamespace(host.namespace, () => whenRulesChange(() => calls++));
  await Bun.sleep(200);
  expect(calls).toBe(0);
  const heard = async () => {
    const until = Date.now() + 2_000;
    for (const before = calls; calls === before && Date.now() < until; ) await Bun.sleep(5);
    return calls;
  };
  nft("add chain ip two c4");
  expect(await heard()).toBe(1);
  const elements = Array.from({ length: 20_000 }, (_, i) => `10.1.${i >> 8}.${i & 255}`);
  // While this thread waits for nft nobody reads: the kernel has 200 kB of room for each socket.
  nft(`add set inet one more { type ipv4_addr; }; add element inet one more { ${elements.join(", ")} }`);
  expect(await heard()).toBe(2);
  await Bun.sleep(300);
  expect(calls).toBeLessThanOrEqual(3);
  const before = calls;
  nft("add chain ip two c5");
  expect(await heard()).toBe(before + 1);
});
