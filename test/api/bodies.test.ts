// Whatever comes in: random bytes to every operation, random requests, requests that are none. Each gets an answer of the
// right kind, the daemon goes on, and nothing is left.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { ROUTES } from "../../src/api/index.ts";
import { importBusybox } from "../fixtures/busybox.ts";
import { type Daemon, startDaemon } from "../fixtures/daemon.ts";
import { openRaw } from "./raw.ts";

let daemon: Daemon;
beforeAll(async () => {
  daemon = await startDaemon({ bridge: "none" });
  await importBusybox(daemon);
});
afterAll(() => daemon?.[Symbol.asyncDispose]());

/** What a bad request must not add to. */
async function holdings() {
  const list = async (path: string) => (await daemon.request("GET", path)).text;
  return {
    containers: await list("/containers/json?all=1"),
    images: await list("/images/json?all=1"),
    volumes: await list("/volumes"),
    networks: await list("/networks"),
    snapshots: readdirSync(join(daemon.dataRoot, "snapshots")).sort(),
  };
}

describe("ten thousand random bytes as the body", () => {
  const posts = ROUTES.filter((route) => route.method === "POST" || route.method === "PUT");

  test.each(posts.map((route) => [route.operation, route] as const))("%s", async (_name, route) => {
    const before = await holdings();
    const path = route.path.replace(/\{[^}]*\}/, "nobody");
    for (const type of ["application/json", "application/octet-stream", undefined]) {
      const answer = await daemon.request(route.method, `${path}?fromSrc=-&repo=random&path=/`, {
        body: randomBytes(10_000),
        headers: type ? { "Content-Type": type } : {},
      });
      // Load has answered 200 before it reads its archive, as moby; what is wrong with that comes in its stream.
      if (route.operation === "ImageLoad" && answer.status === 200) {
        expect(answer.json<{ errorDetail: { message: string } }>().errorDetail.message).toBeString();
        continue;
      }
      // Attach answers its refusals raw, as moby.
      const raw = route.operation === "ContainerAttach";
      const message = raw ? answer.text : answer.json<{ message: string }>().message;
      expect(message).toBeString();
      // What isn't built says so; all else is the client's fault.
      if (route.handler)
        expect([answer.status >= 400 && answer.status < 500, message]).toEqual([true, message]);
      else
        expect([answer.status, message]).toEqual([
          501,
          `${route.operation} (${route.method} ${route.path}) is not implemented in Berth`,
        ]);
    }
    expect(await holdings()).toEqual(before);
  });
});

describe("a JSON body", () => {
  test.each([
    ["", undefined, 400, "invalid JSON: got EOF while reading request body"],
    ["", "application/json", 400, "invalid JSON: got EOF while reading request body"],
    [
      "x",
      "application/x-www-form-urlencoded",
      400,
      "unsupported Content-Type header (application/x-www-form-urlencoded): must be 'application/json'",
    ],
    ["{}", "text/plain", 400, "unsupported Content-Type header (text/plain): must be 'application/json'"],
    ["{}", "foo bar", 400, "malformed Content-Type header (foo bar): mime: expected slash after first token"],
    ["{}", "application/json; charset=utf-8", 400, "config cannot be empty in order to create a container"],
    ["x", "application/json", 400, "invalid JSON: invalid character 'x' looking for beginning of value"],
    ['{"Image":"x"} {}', "application/json", 400, "unexpected content after JSON"],
    ['{"Image":"x"', "application/json", 400, "invalid JSON: unexpected EOF"],
    [
      "[]",
      "application/json",
      400,
      "invalid JSON: json: cannot unmarshal array into Go value of type container.CreateRequest",
    ],
    ["null", "application/json", 400, "config cannot be empty in order to create a container"],
    ['{"HostConfig":{}}', "application/json", 400, "config cannot be empty in order to create a container"],
  ])("%p as %p", async (body, type, status, message) => {
    const answer = await daemon.request("POST", "/containers/create", {
      body,
      headers: type ? { "Content-Type": type } : {},
    });
    expect([answer.status, answer.json<{ message: string }>().message]).toEqual([status, message]);
  });

  test("one that is too large is refused before it is read", async () => {
    using raw = openRaw(daemon.socket);
    raw.send(
      "POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nContent-Length: 999999999\r\n\r\n{",
    );
    const answer = await raw.until((data) => data.includes("too large"));
    expect(answer.toString()).toStartWith("HTTP/1.1 400 ");
  });

  test("one without a length that doesn't end is refused at the limit", async () => {
    const endless = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(1024 * 1024).fill(32)),
    });
    const answer = await fetch("http://d/containers/create", {
      unix: daemon.socket,
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: endless,
    });
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain("request body too large");
  });
});

describe("other ways to say it", () => {
  test("a form's fields are parameters, as for Go's ParseForm", async () => {
    const answer = await daemon.request("POST", "/containers/nobody/wait", {
      body: "condition=nonsense",
      headers: { "Content-Type": "application/x-www-form-urlencoded" },
    });
    expect(answer.json<{ message: string }>().message).toBe('invalid condition: "nonsense"');
  });

  test("JSON in the body of an operation that takes none is let pass: some clients repeat the query there", async () => {
    const answer = await daemon.request("POST", "/containers/nobody/stop?t=1", { body: { t: 1 } });
    expect(answer.status).toBe(404);
  });

  test("two requests on one connection, the first with a body that was refused", async () => {
    using raw = openRaw(daemon.socket);
    raw.send("POST /nowhere HTTP/1.1\r\nHost: d\r\nContent-Length: 5\r\n\r\nhello");
    await raw.until((data) => data.includes("page not found"));
    raw.send("GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n");
    await raw.until((data) => data.includes("\r\n\r\nOK"));
  });

  test("an upgrade that nobody asked for is ignored", async () => {
    using raw = openRaw(daemon.socket);
    raw.send(
      "GET /_ping HTTP/1.1\r\nHost: d\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n",
    );
    const answer = (await raw.ended()).toString();
    expect(answer).toStartWith("HTTP/1.1 200 OK\r\n");
    expect(answer).toEndWith("\r\n\r\nOK");
  });
});

describe("no crash", () => {
  test("requests of every form", async () => {
    const segment = fc.oneof(
      fc.constantFrom(
        "containers",
        "images",
        "exec",
        "json",
        "create",
        "start",
        "v1.51",
        "v1.24",
        "v9",
        "..",
        ".",
        "",
        "%2f",
        "%zz",
        "%00",
        "nobody",
      ),
      fc.string({ maxLength: 12 }).map(encodeURIComponent),
    );
    const query = fc.dictionary(
      fc.constantFrom(
        "filters",
        "t",
        "h",
        "w",
        "signal",
        "condition",
        "limit",
        "since",
        "until",
        "tail",
        "platform",
        "fromImage",
        "tag",
        "repo",
        "names",
        "force",
        "x",
      ),
      fc.oneof(fc.string({ maxLength: 20 }), fc.json({ maxDepth: 2 }), fc.integer().map(String)),
      { maxKeys: 4 },
    );
    const request = fc.record({
      method: fc.constantFrom("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"),
      path: fc.oneof(
        fc.array(segment, { maxLength: 5 }).map((parts) => `/${parts.join("/")}`),
        fc
          .constantFrom(...ROUTES.map((route) => route.path))
          .chain((path) => segment.map((part) => path.replace(/\{[^}]*\}/, part))),
      ),
      query,
      headers: fc.dictionary(
        fc.constantFrom("X-Registry-Auth", "Content-Type", "Accept", "X-Odd"),
        fc.stringMatching(/^[ -~]{0,30}$/),
        { maxKeys: 2 },
      ),
      body: fc.option(fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.json())),
    });
    await fc.assert(
      fc.asyncProperty(request, async ({ method, path, query, headers, body }) => {
        // What would do something real, or wait for ever, is for other tests.
        if (
          /prune|\/load|\/_ping|\/events|\/auth|\/push|\/distribution|\/images\/create|\/volumes\/create/.test(
            path,
          )
        )
          return;
        const search = new URLSearchParams(query).toString();
        const answer = await fetch(`http://d${path}?${search}`, {
          unix: daemon.socket,
          method,
          headers,
          redirect: "manual",
          ...(body === null || method === "GET" || method === "HEAD" ? {} : { body: body as string }),
        });
        const text = await answer.text();
        // Errors are JSON, but for attach's raw ones and the plain ones of versions before JSON errors.
        if (answer.headers.get("content-type") === "application/json" && method !== "HEAD")
          expect(() => JSON.parse(text)).not.toThrow();
        // A fault of ours would be a 500; 501 is what isn't built, 503 a network that isn't there.
        expect([answer.status, text]).not.toEqual([500, text]);
      }),
      { numRuns: 600 },
    );
    expect((await daemon.request("GET", "/_ping")).text).toBe("OK");
  });

  test.each([
    ["no request", "HELLO\r\n\r\n"],
    ["zeros", Buffer.alloc(1000)],
    ["noise", randomBytes(5000)],
    ["no host", "GET / HTTP/1.1\r\n\r\n"],
    ["a head without end", `GET /${"a".repeat(100_000)} HTTP/1.1\r\n`],
    [
      "two lengths",
      "POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    ],
    [
      "length and chunks",
      "POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
    [
      "a bad chunk",
      "POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
    ["HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
    ["TLS's hello", Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3])],
  ])("%s", async (_name, bytes) => {
    using raw = openRaw(daemon.socket);
    raw.send(bytes);
    raw.halfClose();
    const answer = (await raw.ended()).toString("latin1");
    if (answer !== "") expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect((await daemon.request("GET", "/_ping")).text).toBe("OK");
  });

  test("clients that leave in the middle of anything", async () => {
    const starts = [
      "POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
      "POST /images/load HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
      "POST /images/create?fromSrc=-&repo=left HTTP/1.1\r\nHost: d\r\nContent-Length: 100000\r\n\r\nhello",
      "GET /events HTTP/1.1\r\nHost: d\r\n\r\n",
      "POST /exec/x/start HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{",
    ];
    const before = await holdings();
    for (const start of starts) {
      const raw = openRaw(daemon.socket);
      raw.send(start);
      await Bun.sleep(30);
      raw[Symbol.dispose]();
    }
    await Bun.sleep(100);
    expect((await daemon.request("GET", "/_ping")).text).toBe("OK");
    expect(await holdings()).toEqual(before);
  });
});
