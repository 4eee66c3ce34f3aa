// The name server in a real network namespace, asked by a client there; other servers are in that namespace and here.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readlinkSync } from "node:fs";
import type { udp } from "bun";
import { inNamespace } from "../../src/linux/netns.ts";
import { type NameServer, openNameServer, type Upstream } from "../../src/networks/names/index.ts";
import { frame } from "../../src/networks/names/tcp-frames.ts";
import { type Host, startHost } from "./machine.ts";
import {
  addressed,
  type Client,
  failing,
  type OtherServer,
  openClient,
  openServer,
  question,
  reply,
  silent,
} from "./name-client.ts";

const HERE = "/proc/thread-self/ns/net";
const ID = "some-sandbox";
const MANY = Array.from({ length: 100 }, (_, i) => `172.19.1.${i}`);

let host: Host;
let server: NameServer;
let upstream: Upstream[] = [];
let client: Client;
let opened: DisposableStack;

const open = () =>
  openNameServer({
    addresses(_, name, family) {
      if (name === "many") return family === 4 ? MANY : [];
      const number = /^web-(\d+)$/.exec(name)?.[1];
      if (number) return family === 4 ? [`172.19.0.${number}`] : [];
      if (name === "broken") throw new Error("the rows can't be read");
      return undefined;
    },
    nameOf: (_, address) => (address === "172.19.0.7" ? "web-7.net" : undefined),
    upstream: () => upstream,
    ndotsSet: () => false,
  });
const serve = (ports?: { udp: number; tcp: number }) =>
  server.serve({ id: ID, namespace: host.namespace, ...(ports && { ports }) });

/** Another server, here or in the container's namespace, as the next to be asked. */
function other(behave: Parameters<typeof openServer>[1], inside = false, address = "127.0.0.1"): OtherServer {
  const made = opened.use(openServer(inside ? host.namespace : HERE, behave, address));
  upstream.push({ address, port: made.port, inside });
  return made;
}

function nft(...rules: string[]): string {
  const done = Bun.spawnSync(["nsenter", `--net=${host.namespace}`, "nft", rules.join("\n")]);
  if (done.exitCode !== 0) throw new Error(done.stderr.toString());
  return done.stdout.toString();
}

beforeAll(async () => {
  host = await startHost("--net");
});
afterAll(() => host[Symbol.asyncDispose]());

function fresh(): void {
  opened = new DisposableStack();
  upstream = [];
  server = open();
  opened.defer(() => server.close());
  opened.defer(() => nft("flush ruleset"));
  serve();
  client = opened.use(openClient(host.namespace));
}
afterEach(() => opened?.dispose());

describe("names of the source", () => {
  test("by UDP and TCP, with a server of the container's own on port 53", async () => {
    fresh();
    const own = inNamespace(host.namespace, () =>
      Bun.peek(Bun.udpSocket({ hostname: "0.0.0.0", port: 53, socket: { data() {} } })),
    ) as udp.Socket<"buffer">;
    opened.defer(() => own.close());
    const listener = inNamespace(host.namespace, () =>
      Bun.listen({ hostname: "0.0.0.0", port: 53, socket: { data() {} } }),
    );
    opened.defer(() => listener.stop(true));
    expect(await client.ask(question("web-5"))).toMatchObject({ rcode: "NOERROR", data: ["172.19.0.5"] });
    expect(await client.askByTcp([frame(question("WEB-6"))], 1)).toMatchObject([{ data: ["172.19.0.6"] }]);
    expect(await client.ask(question("7.0.19.172.in-addr.arpa", "PTR"))).toMatchObject({
      data: ["web-7.net"],
    });
  });

  test("where the container tracks connections and drops what belongs to none", async () => {
    fresh();
    nft(
      "table inet own {",
      "chain in { type filter hook input priority 0; policy drop; ct state established,new accept; }",
      "chain out { type filter hook output priority 0; policy drop; ct state established,new accept; }",
      "}",
    );
    expect(await client.ask(question("web-5"))).toMatchObject({ data: ["172.19.0.5"] });
    expect(await client.askByTcp([frame(question("web-6"))], 1)).toMatchObject([{ data: ["172.19.0.6"] }]);
  });

  test("many at once get each its own answer", async () => {
    fresh();
    const clients = Array.from({ length: 20 }, () => opened.use(openClient(host.namespace)));
    const asked = clients.flatMap((from) =>
      Array.from({ length: 10 }, (_, i) => from.ask(question(`web-${i}`))),
    );
    const data = (await Promise.all(asked)).map((reply) => reply.data[0]);
    expect(data).toEqual(clients.flatMap(() => Array.from({ length: 10 }, (_, i) => `172.19.0.${i}`)));
  });

  test("an answer that doesn't fit says so, and comes whole by TCP", async () => {
    fresh();
    const cut = await client.ask(question("many"));
    expect(cut.truncated).toBe(true);
    expect(cut.bytes.length).toBeLessThanOrEqual(512);
    const [whole] = await client.askByTcp([frame(question("many"))], 1);
    expect(whole?.truncated).toBe(false);
    expect(whole?.data.map(String).sort()).toEqual([...MANY].sort());
  });

  test("a source that fails is a failure", async () => {
    fresh();
    expect(await client.ask(question("broken"))).toMatchObject({ rcode: "SERVFAIL" });
  });

  test("packets of any kind do no harm", async () => {
    fresh();
    for (let i = 0; i < 300; i++) {
      const bytes = crypto.getRandomValues(new Uint8Array(i));
      client.send(bytes);
      if (i % 20 === 0) await Bun.sleep(1);
    }
    expect(await client.ask(question("web-1"))).toMatchObject({ data: ["172.19.0.1"] });
    const twoQuestions = question("web-1");
    twoQuestions[5] = 2;
    expect((await client.ask(twoQuestions)).rcode).toBe("FORMERR");
  });
});

describe("other servers", () => {
  test.each([true, false])("are asked in the container's namespace: %p", async (inside) => {
    fresh();
    other(addressed(inside ? "1.1.1.1" : "2.2.2.2"), inside);
    const data = [inside ? "1.1.1.1" : "2.2.2.2"];
    expect(await client.ask(question("example.com"))).toMatchObject({ rcode: "NOERROR", data });
    expect(await client.askByTcp([frame(question("example.com"))], 1)).toMatchObject([{ data }]);
  });

  test("may have IPv6 addresses", async () => {
    fresh();
    other(addressed("3.3.3.3"), true, "::1");
    expect(await client.ask(question("example.com"))).toMatchObject({ data: ["3.3.3.3"] });
    expect(await client.askByTcp([frame(question("example.com"))], 1)).toMatchObject([{ data: ["3.3.3.3"] }]);
  });

  test("get the question as it came but for its id, and their answers go back as they come", async () => {
    fresh();
    const odd = Buffer.concat([question("ExAmPlE.com", "TXT"), Buffer.from("left over")]);
    const answers: Buffer[] = [];
    const { asked } = other((bytes) => {
      answers.push(Buffer.concat([reply(bytes, { flags: 3 }), Buffer.alloc(3000, 7)]));
      return answers;
    });
    const { bytes } = await client.ask(odd);
    expect(asked[0]?.subarray(2)).toEqual(odd.subarray(2));
    expect(bytes.subarray(2)).toEqual((answers[0] as Buffer).subarray(2));
  });

  test("one that fails, refuses or isn't there gives way to the next, three in all", async () => {
    fresh();
    upstream.push({ address: "127.0.0.1", port: 1, inside: true });
    other(failing(2));
    other(failing(5), true);
    const fourth = other(addressed("4.4.4.4"));
    expect(await client.ask(question("example.com"), 3_000)).toMatchObject({ rcode: "SERVFAIL", data: [] });
    expect(fourth.asked).toEqual([]);
    upstream.shift();
    expect(await client.ask(question("example.com"))).toMatchObject({ data: ["4.4.4.4"] });
    expect(await client.askByTcp([frame(question("example.com"))], 1)).toMatchObject([{ data: ["4.4.4.4"] }]);
  });

  test("none, or only ourselves, is a failure", async () => {
    fresh();
    expect(await client.ask(question("example.com"))).toMatchObject({ rcode: "SERVFAIL" });
    upstream = [{ address: "127.0.0.11", inside: true }];
    expect(await client.ask(question("example.com"), 3_000)).toMatchObject({ rcode: "SERVFAIL" });
  });

  test("one that says nothing, or too late, gives way after four seconds", async () => {
    fresh();
    const { promise: late, resolve } = Promise.withResolvers<Buffer>();
    const slow = Bun.peek(
      Bun.udpSocket({
        hostname: "127.0.0.1",
        port: 0,
        socket: {
          data(socket, bytes, port, address) {
            resolve(bytes);
            setTimeout(
              () => socket.send(addressed("9.9.9.9")(bytes, port)[0] as Buffer, port, address),
              4_500,
            );
          },
        },
      }),
    ) as udp.Socket<"buffer">;
    opened.defer(() => slow.close());
    upstream.push({ address: "127.0.0.1", port: slow.port, inside: false });
    other(addressed("5.5.5.5"));
    const started = performance.now();
    const answer = client.ask(question("example.com"));
    await late;
    expect(await answer).toMatchObject({ data: ["5.5.5.5"] });
    expect(performance.now() - started).toBeGreaterThan(3_900);
    await Bun.sleep(1_000);
    expect(await client.ask(question("web-1"))).toMatchObject({ data: ["172.19.0.1"] });
  });

  test("lies are not believed: another id, another question, another sender", async () => {
    fresh();
    const stranger = Bun.peek(
      // Its lies come back as port unreachable: the socket that asks is connected to somebody else.
      Bun.udpSocket({ hostname: "127.0.0.1", port: 0, socket: { data() {}, error() {} } }),
    ) as udp.Socket<"buffer">;
    opened.defer(() => stranger.close());
    other((bytes, port) => {
      const lie = addressed("6.6.6.6");
      if (port !== 0) stranger.send(lie(bytes, port)[0] as Buffer, port, "127.0.0.1");
      const otherId = Buffer.from(lie(bytes, port)[0] as Buffer);
      otherId[0] = (otherId[0] as number) ^ 1;
      const otherQuestion = Buffer.from(lie(bytes, port)[0] as Buffer);
      otherQuestion[13] = "f".charCodeAt(0);
      return [otherId, otherQuestion, ...addressed("7.7.7.7")(bytes, port)];
    });
    for (let i = 0; i < 20; i++)
      expect(await client.ask(question("example.com"))).toMatchObject({ data: ["7.7.7.7"] });
  });

  test("ports and ids are new ones again and again", async () => {
    fresh();
    const ports = new Set<number>();
    const { asked } = other((bytes, port) => {
      ports.add(port);
      return addressed("1.1.1.1")(bytes, port);
    });
    for (let i = 0; i < 200; i++) await client.ask(question("example.com"));
    expect(ports.size).toBeGreaterThanOrEqual(6);
    expect(new Set(asked.map((bytes) => bytes.readUInt16BE(0))).size).toBeGreaterThan(190);
  });

  test("have 1024 questions of a container at a time, and as many wait; more are refused", async () => {
    fresh();
    const { asked } = other(silent);
    const clients = Array.from({ length: 21 }, () => opened.use(openClient(host.namespace)));
    const outcomes: string[] = [];
    const all: Promise<unknown>[] = [];
    for (const from of clients) {
      for (let i = 0; i < 100; i++) {
        const bytes = question("example.com");
        bytes.writeUInt16BE(i, 0);
        all.push(from.ask(bytes).then(({ rcode }) => outcomes.push(rcode)));
      }
      // The server's socket holds some hundreds.
      await Bun.sleep(20);
    }
    await Bun.sleep(200);
    expect(asked.length).toBe(1024);
    expect(outcomes).toEqual(Array(2100 - 2048).fill("REFUSED"));
    await Promise.all(all);
    expect(outcomes.filter((code) => code === "REFUSED").length).toBeGreaterThanOrEqual(2100 - 2048);
    expect(outcomes).toHaveLength(2100);
  });
});

describe("connections", () => {
  test("carry many questions, in pieces of any size", async () => {
    fresh();
    other(addressed("8.8.8.8"));
    const names = ["web-1", "example.com", "web-2", "web-3"];
    const stream = Buffer.concat(names.map((name) => frame(question(name))));
    const chunks = [
      stream.subarray(0, 1),
      stream.subarray(1, 20),
      stream.subarray(20, 70),
      stream.subarray(70),
    ];
    const data = (await client.askByTcp(chunks, 4)).map((reply) => reply.data[0]);
    expect(data.sort()).toEqual(["172.19.0.1", "172.19.0.2", "172.19.0.3", "8.8.8.8"]);
  });

  test("that send no whole question are closed, and no more than 128 are held", async () => {
    fresh();
    const half = client.stall(Buffer.of(0));
    const started = performance.now();
    const rest = Array.from({ length: 140 }, () =>
      client.stall(Buffer.of(0, 40, 1)).then(() => performance.now() - started),
    );
    const times = await Promise.all(rest);
    expect(await half).toBe("closed");
    expect(times.filter((time) => time < 5_000).length).toBe(140 + 1 - 128);
    expect(times.filter((time) => time > 7_000).length).toBe(127);
    expect(await client.askByTcp([frame(question("web-1"))], 1)).toMatchObject([{ data: ["172.19.0.1"] }]);
  });

  test("with something that is no question are closed", async () => {
    fresh();
    expect(await client.stall(frame(Buffer.from("no")))).toBe("closed");
  });
});

describe("the life of a server", () => {
  const sockets = () =>
    readdirSync("/proc/self/fd").filter((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).startsWith("socket:");
      } catch {
        return false;
      }
    }).length;

  test("the next daemon's takes the same ports, and clients go on", async () => {
    fresh();
    const ports = serve();
    const rules = nft("list ruleset");
    server.close();
    await expect(client.ask(question("web-1"), 200)).rejects.toThrow("no answer");
    server = open();
    expect(serve(ports)).toEqual(ports);
    expect(serve()).toEqual(ports);
    expect(nft("list ruleset")).toBe(rules);
    expect(await client.ask(question("web-1"))).toMatchObject({ data: ["172.19.0.1"] });
  });

  test("and others, when the container took them; flushed rules are back", async () => {
    fresh();
    const ports = serve();
    server.close();
    const taken = inNamespace(host.namespace, () =>
      Bun.peek(Bun.udpSocket({ hostname: "0.0.0.0", port: ports.udp, socket: { data() {} } })),
    ) as udp.Socket<"buffer">;
    opened.defer(() => taken.close());
    server = open();
    const others = serve(ports);
    expect(others.udp).not.toBe(ports.udp);
    expect(others.tcp).toBe(ports.tcp);
    expect(await client.ask(question("web-1"))).toMatchObject({ data: ["172.19.0.1"] });
    server.close();
    nft("flush ruleset");
    server = open();
    expect(serve(others)).toEqual(others);
    expect(await client.ask(question("web-2"))).toMatchObject({ data: ["172.19.0.2"] });
  });

  test("a stopped one answers nothing and leaves no socket", async () => {
    opened?.dispose();
    await Bun.sleep(50);
    const before = sockets();
    fresh();
    other(silent);
    const open = client.ask(question("example.com"), 500);
    const stalled = client.stall(Buffer.of(0));
    await Bun.sleep(100);
    server.stop(ID);
    server.stop(ID);
    await expect(open).rejects.toThrow("no answer");
    expect(await stalled).toBe("closed");
    opened.dispose();
    await Bun.sleep(100);
    expect(sockets()).toBe(before);
  });

  test("without a namespace there is none", () => {
    fresh();
    expect(() => server.serve({ id: "other", namespace: "/nowhere" })).toThrow(
      "no name server in the network namespace of sandbox other",
    );
  });
});
