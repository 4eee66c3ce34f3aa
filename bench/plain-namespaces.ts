// Two network namespaces joined by a veth pair, and nothing else: the most that this kernel gives.
import { timeProcess } from "./measure.ts";

export interface PlainPair extends AsyncDisposable {
  /** Paths of the namespaces. */
  one: string;
  two: string;
  /** The second one's address. */
  address: string;
}

async function keeper() {
  const child = Bun.spawn(["unshare", "--net", "sh", "-c", "echo ready; exec sleep 100000"], {
    stdin: "ignore",
    stdout: "pipe",
  });
  const reader = child.stdout.getReader();
  await reader.read();
  reader.releaseLock();
  return child;
}

export async function plainPair(): Promise<PlainPair> {
  const [a, b] = [await keeper(), await keeper()];
  const [one, two] = [`/proc/${a.pid}/ns/net`, `/proc/${b.pid}/ns/net`];
  const ip = (namespace: string, words: string) =>
    timeProcess(["nsenter", `--net=${namespace}`, "ip", ...words.split(" ")]);
  await ip(one, `link add veth0 type veth peer name veth0 netns ${b.pid}`);
  for (const [namespace, address] of [
    [one, "198.18.0.1"],
    [two, "198.18.0.2"],
  ] as const) {
    await ip(namespace, `addr add ${address}/30 dev veth0`);
    await ip(namespace, "link set veth0 up");
    await ip(namespace, "link set lo up");
  }
  return {
    one,
    two,
    address: "198.18.0.2",
    async [Symbol.asyncDispose]() {
      for (const child of [a, b]) {
        child.kill("SIGKILL");
        await child.exited;
      }
    },
  };
}
