// Registries that lie, break off, are slow or want to see a badge: what is refused, what is tried again, what is kept.

import { describe, expect, test } from "bun:test";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { digestOf } from "../../src/oci/digest.ts";
import { MEDIA } from "../../src/oci/types.ts";
import { type MadeImage, makeImage, noise } from "../fixtures/image.ts";
import { contentsOf, type ImagesRoom, openImagesRoom } from "../fixtures/images-room.ts";
import { type Lie, sendPart, startLyingRegistry } from "../fixtures/lying-registry.ts";

const image = makeImage({
  layers: [
    { files: { small: "small" } },
    { files: { big: noise(6 << 20, 7) } },
    { files: { other: noise(2 << 20, 8) } },
  ],
});
const big = image.layers[1]!;
const bytesOf = ({ digest }: { digest: MadeImage["root"]["digest"] }) => image.blobs.get(digest)!;
const isFor = (url: string | undefined, { digest }: { digest: string }) => url?.endsWith(digest) ?? false;

/** Lies about the layer's first `times` downloads, and tells the truth after. */
function aboutBig(times: number, lie: Lie): Lie {
  let left = times;
  return (request, response) =>
    request.method === "GET" && isFor(request.url, big) && left-- > 0 ? lie(request, response) : false;
}

async function nothingLeft({ context }: ImagesRoom): Promise<void> {
  for (const until = Date.now() + 5_000; Date.now() < until; await Bun.sleep(10)) {
    await context.store.collectGarbage();
    if (contentsOf(context).blobs.length === 0) break;
  }
  expect(contentsOf(context)).toEqual({ blobs: [], layers: 0, names: [] });
}

describe("refused, and nothing is kept", () => {
  const wrong = noise(big.size, 99);
  const cases: [string, Lie, RegExp][] = [
    [
      "a layer with other bytes of the same size",
      aboutBig(99, (_, response) => {
        response.writeHead(200, { "content-length": wrong.length });
        response.end(wrong);
        return true;
      }),
      /unexpected digest of content: got sha256:[a-f0-9]{64}, expected sha256:/,
    ],
    [
      "a layer that is longer than the manifest says",
      aboutBig(99, (_, response) => {
        response.writeHead(200);
        response.write(bytesOf(big));
        response.end(noise(1000));
        return true;
      }),
      /sends more than the \d+ bytes/,
    ],
    [
      "a manifest that isn't the one that was asked for",
      ({ url, method }, response) => {
        if (method !== "GET" || !url?.includes("/manifests/")) return false;
        response.writeHead(200, { "content-type": MEDIA.ociManifest });
        response.end(JSON.stringify({ schemaVersion: 2, mediaType: MEDIA.ociManifest, layers: [] }));
        return true;
      },
      /unexpected commit digest sha256:[a-f0-9]{64}, expected sha256:/,
    ],
    [
      "a config that isn't",
      ({ url }, response) => {
        if (!isFor(url, image.config)) return false;
        response.end("x".repeat(image.config.size));
        return true;
      },
      /unexpected digest of content/,
    ],
    [
      "errors without end",
      aboutBig(99, (_, response) => {
        response.writeHead(503, { "retry-after": "0" });
        response.end('{"errors":[{"code":"UNAVAILABLE","message":"come back later"}]}');
        return true;
      }),
      /error from registry: come back later/,
    ],
    [
      "schema 1",
      ({ url }, response) => {
        if (!url?.includes("/manifests/")) return false;
        response.writeHead(200, {
          "content-type": "application/vnd.docker.distribution.manifest.v1+prettyjws",
          "docker-content-digest": digestOf("{}"),
          "content-length": 2,
        });
        response.end("{}");
        return true;
      },
      /schema 1 support has been removed/,
    ],
  ];
  test.each(cases)("%s", async (_, lie, message) => {
    await using registry = await startLyingRegistry(image, "1", lie);
    await using room = await openImagesRoom();
    await expect(room.pull(`${registry.host}/x:1`)).rejects.toThrow(message);
    await nothingLeft(room);
  });

  test("a layer that isn't what the config says", async () => {
    const other = makeImage({ layers: [{ files: { a: "1" } }] });
    const liar = makeImage({ layers: [{ files: { a: "2" } }] });
    // The manifest names one image's config and the other's layer.
    const manifest = new TextEncoder().encode(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: MEDIA.ociManifest,
        config: other.config,
        layers: liar.layers,
      }),
    );
    const root = { mediaType: MEDIA.ociManifest, digest: digestOf(manifest), size: manifest.length };
    const blobs = new Map([...other.blobs, ...liar.blobs, [root.digest, manifest] as const]);
    await using registry = await startLyingRegistry({ ...other, root, blobs }, "1");
    await using room = await openImagesRoom();
    await expect(room.pull(`${registry.host}/x:1`)).rejects.toThrow(/wrong diff id/);
    await nothingLeft(room);
  });

  test("a layer that is no archive", async () => {
    const junk = noise(5000, 3);
    const layer = { mediaType: MEDIA.ociLayer, digest: digestOf(junk), size: junk.length };
    const made = makeImage({ layers: [] });
    const config = new TextEncoder().encode(
      JSON.stringify({
        os: "linux",
        architecture: "amd64",
        rootfs: { type: "layers", diff_ids: [layer.digest] },
      }),
    );
    const configDescriptor = { mediaType: MEDIA.ociConfig, digest: digestOf(config), size: config.length };
    const manifest = new TextEncoder().encode(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: MEDIA.ociManifest,
        config: configDescriptor,
        layers: [layer],
      }),
    );
    const root = { mediaType: MEDIA.ociManifest, digest: digestOf(manifest), size: manifest.length };
    const blobs = new Map([
      [layer.digest, junk],
      [configDescriptor.digest, config],
      [root.digest, manifest],
    ]);
    await using registry = await startLyingRegistry({ ...made, root, blobs }, "1");
    await using room = await openImagesRoom();
    await expect(room.pull(`${registry.host}/x:1`)).rejects.toThrow(/tar|archive/);
    await nothingLeft(room);
  });
});

describe("tried again, and gone on with", () => {
  test("a body that breaks off is resumed at its byte", async () => {
    const half = big.size / 2;
    const lie = aboutBig(1, (_, response) =>
      sendPart(response, 200, bytesOf(big).subarray(0, half), big.size),
    );
    await using registry = await startLyingRegistry(image, "1", lie);
    await using room = await openImagesRoom();
    await room.pull(`${registry.host}/x:1`);
    const asked = registry.exchanges.filter(({ path }) => isFor(path, big));
    expect(asked).toHaveLength(2);
    expect(asked[1]?.status).toBe(206);
    expect(Number(asked[1]?.range?.slice("bytes=".length, -1))).toBeGreaterThan(half / 2);
    expect(contentsOf(room.context).layers).toBe(3);
  });

  test("a server that ignores the range is read from the start", async () => {
    let times = 0;
    const lie: Lie = (request, response) => {
      if (request.method !== "GET" || !isFor(request.url, big)) return false;
      if (times++ === 0) return sendPart(response, 200, bytesOf(big).subarray(0, big.size / 2), big.size);
      response.writeHead(200, { "content-length": big.size });
      response.end(bytesOf(big));
      return true;
    };
    await using registry = await startLyingRegistry(image, "1", lie);
    await using room = await openImagesRoom();
    await room.pull(`${registry.host}/x:1`);
    expect(times).toBe(2);
    expect((await room.images.resolve(`${registry.host}/x:1`)).id).toBe(image.root.digest);
  });

  test("a range that begins elsewhere is not believed", async () => {
    let times = 0;
    const lie: Lie = (request, response) => {
      if (request.method !== "GET" || !isFor(request.url, big)) return false;
      times++;
      if (times === 1) return sendPart(response, 200, bytesOf(big).subarray(0, big.size / 2), big.size);
      if (!request.headers.range) return false;
      response.writeHead(206, { "content-range": `bytes 0-${big.size - 1}/${big.size}` });
      response.end(bytesOf(big));
      return true;
    };
    await using registry = await startLyingRegistry(image, "1", lie);
    await using room = await openImagesRoom();
    await room.pull(`${registry.host}/x:1`);
    expect((await room.images.resolve(`${registry.host}/x:1`)).id).toBe(image.root.digest);
  });

  test("what an earlier process left is gone on with", async () => {
    const half = big.size / 2;
    await using room = await openImagesRoom({ maxDownloadAttempts: 1 });
    const broken: Lie = (request, response) =>
      request.method === "GET" && isFor(request.url, big)
        ? sendPart(response, 200, bytesOf(big).subarray(0, half), big.size)
        : false;
    await using first = await startLyingRegistry(image, "1", broken);
    await expect(room.pull(`${first.host}/x:1`)).rejects.toThrow(/connection/);
    await using second = await startLyingRegistry(image, "1");
    await room.pull(`${second.host}/x:1`);
    const asked = second.exchanges.filter(({ path }) => isFor(path, big));
    expect(asked.map(({ status }) => status)).toEqual([206]);
  });

  test("leftovers that were spoiled are thrown away and brought anew", async () => {
    await using room = await openImagesRoom();
    const { store } = room.context;
    const lease = store.leases.open("test");
    {
      await using writer = await store.content.writer(`download-${big.digest}`, lease);
      await writer.write(noise(100_000, 5));
    }
    await using registry = await startLyingRegistry(image, "1");
    await room.pull(`${registry.host}/x:1`);
    const asked = registry.exchanges.filter(({ path }) => isFor(path, big));
    expect(asked.map(({ status }) => status)).toEqual([206, 200]);
  });

  test("errors that pass", async () => {
    let times = 0;
    const lie: Lie = ({ url }, response) => {
      if (!url?.includes("/manifests/") || ++times > 2) return false;
      response.writeHead(times === 1 ? 500 : 429, { "retry-after": "0" });
      response.end();
      return true;
    };
    await using registry = await startLyingRegistry(image, "1", lie);
    await using room = await openImagesRoom();
    await room.pull(`${registry.host}/x:1`);
    expect(times).toBeGreaterThan(2);
  });
});

describe("credentials", () => {
  const auth = { username: "ann", password: "s3cret" };

  test("don't follow a redirect to another host", async () => {
    const seen: (string | undefined)[] = [];
    const elsewhere = createServer((request, response) => {
      seen.push(request.headers.authorization);
      response.end(bytesOf(big));
    });
    await new Promise<void>((resolve) => elsewhere.listen(0, "127.0.0.1", resolve));
    const { port } = elsewhere.address() as AddressInfo;
    const lie: Lie = (request, response) => {
      if (!request.headers.authorization) {
        response.writeHead(401, { "www-authenticate": 'Basic realm="test"' });
        response.end();
        return true;
      }
      if (!isFor(request.url, big)) return false;
      response.writeHead(307, { location: `http://127.0.0.1:${port}/blob` });
      response.end();
      return true;
    };
    await using registry = await startLyingRegistry(image, "1", lie);
    await using room = await openImagesRoom();
    await room.pull(`${registry.host}/x:1`, { auth });
    elsewhere.closeAllConnections();
    elsewhere.close();
    expect(seen).toEqual([undefined]);
    const own = registry.exchanges.filter(({ path }) => isFor(path, big));
    expect(own.some(({ authorization }) => authorization === `Basic ${btoa("ann:s3cret")}`)).toBe(true);
  });

  test.each([307, 308])("in a body don't follow a %d to another host", async (status) => {
    const seen: (string | undefined)[] = [];
    const elsewhere = createServer((request, response) => {
      seen.push(request.url);
      response.end('{"token":"t"}');
    });
    await new Promise<void>((resolve) => elsewhere.listen(0, "127.0.0.1", resolve));
    const { port } = elsewhere.address() as AddressInfo;
    const lie: Lie = (request, response) => {
      if (request.url === "/token")
        response.writeHead(status, { location: `http://127.0.0.1:${port}/token` });
      else
        response.writeHead(401, {
          "www-authenticate": `Bearer realm="http://${request.headers.host}/token"`,
        });
      response.end();
      return true;
    };
    try {
      await using registry = await startLyingRegistry(image, "1", lie);
      await using room = await openImagesRoom();
      const pull = room.pull(`${registry.host}/x:1`, { auth: { identitytoken: "refresh-s3cret" } });
      await expect(pull).rejects.toThrow("redirects a request that carries credentials to http://127.0.0.1:");
      expect(registry.exchanges.some(({ method, path }) => method === "POST" && path === "/token")).toBe(
        true,
      );
      expect(seen).toEqual([]);
    } finally {
      elsewhere.closeAllConnections();
      elsewhere.close();
    }
  });

  test("are for the registry that they name", async () => {
    const lie: Lie = (_, response) => {
      response.writeHead(401, { "www-authenticate": 'Basic realm="test"' });
      response.end();
      return true;
    };
    await using registry = await startLyingRegistry(image, "1", lie);
    await using room = await openImagesRoom();
    const pull = room.pull(`${registry.host}/x:1`, { auth: { ...auth, serveraddress: "registry.example" } });
    await expect(pull).rejects.toThrow("no basic auth credentials");
    expect(registry.exchanges.every(({ authorization }) => authorization === undefined)).toBe(true);
  });

  test("a registry that says no", async () => {
    const lie: Lie = (_, response) => {
      response.writeHead(401, { "www-authenticate": 'Basic realm="test"' });
      response.end();
      return true;
    };
    await using registry = await startLyingRegistry(image, "1", lie);
    await using room = await openImagesRoom();
    const pull = room.pull(`${registry.host}/x:1`, { auth });
    await expect(pull).rejects.toMatchObject({ kind: "not-found" });
    await expect(pull).rejects.toThrow(
      `pull access denied for ${registry.host}/x, repository does not exist or may require 'docker login'`,
    );
  });

  test("a token service is asked for the scope, by password or refresh token", async () => {
    const asked: string[] = [];
    const service = createServer(async (request, response) => {
      let body = "";
      for await (const chunk of request) body += chunk;
      asked.push(`${request.method} ${request.url} ${request.headers.authorization ?? ""} ${body}`.trim());
      response.end(JSON.stringify({ token: "badge", expires_in: 300 }));
    });
    await new Promise<void>((resolve) => service.listen(0, "127.0.0.1", resolve));
    const { port } = service.address() as AddressInfo;
    const lie: Lie = (request, response) => {
      if (request.headers.authorization === "Bearer badge") return false;
      response.writeHead(401, {
        "www-authenticate": `Bearer realm="http://127.0.0.1:${port}/token",service="the registry",scope="repository:x:pull"`,
      });
      response.end();
      return true;
    };
    await using registry = await startLyingRegistry(image, "1", lie);
    for (const [given, expected] of [
      [undefined, "GET /token?service=the+registry&scope=repository%3Ax%3Apull"],
      [
        auth,
        `GET /token?service=the+registry&scope=repository%3Ax%3Apull&account=ann&offline_token=true&client_id=docker Basic ${btoa("ann:s3cret")}`,
      ],
      [
        { identitytoken: "refresh" },
        "POST /token  grant_type=refresh_token&refresh_token=refresh&service=the+registry&client_id=docker&scope=repository%3Ax%3Apull",
      ],
    ] as const) {
      asked.length = 0;
      await using room = await openImagesRoom();
      await room.pull(`${registry.host}/x:1`, { auth: given });
      expect(asked).toEqual([expected]);
    }
    await using room = await openImagesRoom();
    asked.length = 0;
    await room.pull(`${registry.host}/x:1`, { auth: { registrytoken: "badge" } });
    expect(asked).toEqual([]);
    service.closeAllConnections();
    service.close();
  });
});
