// Pushes to a real registry: the same digest again, nothing sent twice, and the words when something is amiss.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { ProgressMessage, RegistryAuth } from "../../src/images/index.ts";
import { checkAuth, inspectDistribution } from "../../src/images/index.ts";
import { makeImage, makeIndex, noise } from "../fixtures/image.ts";
import { type ImagesRoom, openImagesRoom } from "../fixtures/images-room.ts";
import { type Lie, startLyingRegistry } from "../fixtures/lying-registry.ts";
import { startRegistry, type TestRegistry } from "../fixtures/registry.ts";

let registry: TestRegistry;
let closed: TestRegistry;
beforeAll(async () => {
  registry = await startRegistry();
  closed = await startRegistry({ user: { name: "ann", password: "s3cret" } });
});
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  await closed[Symbol.asyncDispose]();
});

const ann: RegistryAuth = { username: "ann", password: "s3cret" };
const signal = new AbortController().signal;

async function push(room: ImagesRoom, name: string, auth?: RegistryAuth): Promise<ProgressMessage[]> {
  const said: ProgressMessage[] = [];
  await room.images.push(name, { progress: (message) => void said.push(message), signal, auth });
  return said;
}

test.each([
  ["OCI gzip", makeImage({ layers: [{ files: { a: noise(300_000, 21) } }] })],
  ["OCI zstd", makeImage({ layers: [{ files: { a: noise(300_000, 22) }, packing: "zstd" }] })],
  ["Docker schema 2", makeImage({ layers: [{ files: { a: noise(300_000, 23) } }], docker: true })],
])("%s: pulled, tagged, pushed elsewhere with the same digest", async (name, image) => {
  await using room = await openImagesRoom();
  const repository = name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
  await registry.push(image, repository, "1");
  await room.pull(`${registry.host}/${repository}:1`);
  const id = image.layers[0]!.digest.slice(7, 19);

  await room.images.tag(`${registry.host}/${repository}:1`, `${registry.host}/${repository}-two:v2`);
  const quickly = (await push(room, `${registry.host}/${repository}-two:v2`)).filter(
    ({ status }) => status !== "Waiting",
  );
  expect(quickly).toEqual([
    { status: `The push refers to repository [${registry.host}/${repository}-two]` },
    { status: `Mounted from ${repository}`, progressDetail: {}, id },
    { status: `v2: digest: ${image.root.digest} size: ${image.root.size}` },
  ]);
  const again = await push(room, `${registry.host}/${repository}-two:v2`);
  expect(again).toContainEqual({ status: "Layer already exists", progressDetail: {}, id });

  // Another registry knows nothing of it.
  await room.images.tag(`${registry.host}/${repository}:1`, `${closed.host}/${repository}:1`);
  const said = await push(room, `${closed.host}/${repository}:1`, ann);
  expect(said.some(({ status }) => status === "Pushed")).toBe(true);
  await using other = await openImagesRoom();
  await other.pull(`${closed.host}/${repository}:1`, { auth: ann });
  expect((await other.images.resolve(`${closed.host}/${repository}:1`)).id).toBe(image.root.digest);
});

test("without a tag all tags of the repository go", async () => {
  await using room = await openImagesRoom();
  for (const tag of ["a", "b"]) {
    await registry.push(makeImage({ layers: [{ files: { tag } }] }), "source", tag);
    await room.pull(`${registry.host}/source:${tag}`);
    await room.images.tag(`${registry.host}/source:${tag}`, `${registry.host}/all:${tag}`);
  }
  const said = await push(room, `${registry.host}/all`);
  expect(
    said.filter(({ status }) => /digest:/.test(status ?? "")).map(({ status }) => status?.slice(0, 2)),
  ).toEqual(["a:", "b:"]);
});

describe("indexes", () => {
  const platform = (architecture: string) => ({ os: "linux", architecture });
  const made = (architecture: string) => ({
    image: makeImage({ platform: platform(architecture), layers: [{ files: { architecture } }] }),
    platform: platform(architecture),
  });
  const index = makeIndex([made("amd64"), made("arm64")]);

  test("whole when all platforms are here, else the manifest that is", async () => {
    await registry.push(index, "index", "1");
    await using room = await openImagesRoom();
    const name = `${registry.host}/index:1`;
    const target = `${closed.host}/index:1`;
    await room.pull(name);
    await room.images.tag(name, target);
    const partial = await push(room, target, ann);
    const own = (await room.images.resolve(name)).manifestDescriptor;
    expect(partial.at(-2)?.aux).toMatchObject({
      manifestPushedInsteadOfIndex: true,
      originalIndex: index.root,
    });
    expect(partial.at(-1)?.status).toBe(`1: digest: ${own.digest} size: ${own.size}`);
    await room.pull(name, { platform: platform("arm64") });
    const whole = await push(room, target, ann);
    expect(whole.at(-1)?.status).toBe(`1: digest: ${index.root.digest} size: ${index.root.size}`);
    await using other = await openImagesRoom();
    await other.pull(target, { auth: ann, platform: platform("arm64") });
    expect((await other.images.resolve(target)).id).toBe(index.root.digest);
    const asked = await inspectDistribution(other.context, target, { auth: ann, signal });
    expect(asked).toEqual({
      Descriptor: index.root,
      Platforms: [platform("amd64"), platform("arm64")],
    });
  });
});

describe("refused", () => {
  test("an image that isn't here", async () => {
    await using room = await openImagesRoom();
    await expect(push(room, `${registry.host}/none`)).rejects.toThrow(
      `An image does not exist locally with the tag: ${registry.host}/none`,
    );
    await expect(push(room, `${registry.host}/none:1`)).rejects.toThrow(
      `tag does not exist: ${registry.host}/none:1`,
    );
  });

  test("without credentials, or with wrong ones", async () => {
    await registry.push(makeImage(), "secret", "1");
    await using room = await openImagesRoom();
    await room.pull(`${registry.host}/secret:1`);
    await room.images.tag(`${registry.host}/secret:1`, `${closed.host}/secret:1`);
    for (const auth of [undefined, { username: "ann", password: "wrong" }]) {
      const failure = push(room, `${closed.host}/secret:1`, auth);
      await expect(failure).rejects.toMatchObject({ kind: "forbidden" });
      await expect(failure).rejects.toThrow(
        `push access denied for ${closed.host}/secret, repository does not exist or may require authorization`,
      );
    }
  });
});

test("a registry that takes pieces only gets pieces", async () => {
  const image = makeImage({ layers: [{ files: { a: noise(20 << 20, 31) } }] });
  const layer = image.layers[0]!;
  const got: Buffer[] = [];
  const lie: Lie = async (request, response) => {
    const body: Buffer[] = [];
    for await (const chunk of request) body.push(chunk as Buffer);
    const url = request.url ?? "";
    if (url.includes("/manifests/") && request.method === "PUT") response.writeHead(201).end();
    else if (request.method === "HEAD")
      response.writeHead(url.includes(image.config.digest) ? 200 : 404).end();
    else if (request.method === "POST") response.writeHead(202, { location: "/v2/x/blobs/uploads/1" }).end();
    else if (request.method === "PUT" && Buffer.concat(body).length > 0) response.writeHead(413).end();
    else if (request.method === "PUT") response.writeHead(201).end();
    else if (request.method === "PATCH") {
      got.push(...body);
      response.writeHead(202, { location: "/v2/x/blobs/uploads/1" }).end();
    } else return false;
    return true;
  };
  await using source = await startLyingRegistry(image, "1");
  await using target = await startLyingRegistry(image, "1", lie);
  await using room = await openImagesRoom();
  await room.pull(`${source.host}/x:1`);
  await room.images.tag(`${source.host}/x:1`, `${target.host}/x:1`);
  await push(room, `${target.host}/x:1`);
  expect(Buffer.concat(got).equals(image.blobs.get(layer.digest)!)).toBe(true);
  expect(target.exchanges.filter(({ method }) => method === "PATCH")).toHaveLength(2);
});

describe("login", () => {
  test("good credentials succeed, bad ones don't, nobody answers", async () => {
    await using room = await openImagesRoom();
    expect(await checkAuth(room.context, { ...ann, serveraddress: closed.host })).toEqual({
      Status: "Login Succeeded",
      IdentityToken: "",
    });
    const wrong = checkAuth(room.context, { username: "ann", password: "x", serveraddress: closed.host });
    await expect(wrong).rejects.toMatchObject({ kind: "unauthorized" });
    await expect(wrong).rejects.toThrow(
      `login attempt to http://${closed.host}/v2/ failed with status: 401 Unauthorized`,
    );
    const nobody = checkAuth(room.context, { ...ann, serveraddress: "127.0.0.1:1" });
    await expect(nobody).rejects.toThrow(
      'Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused',
    );
  });
});
