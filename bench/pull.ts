// Pull and unpack of a 100 MB image of many files from a registry on this machine.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import type { Benchmark, Setting } from "./benchmarks.ts";
import type { Host } from "./hosts.ts";
import { inTurn, timeProcess } from "./measure.ts";

const LAYERS = 4;
const FILES_PER_LAYER = 2_500;
/** Bytes; with the rest about 100 MB in all, half of which gzip can't make smaller. */
const FILE_SIZE = 10_000;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function makeFiles(folder: string): void {
  const noise = new Uint8Array(FILE_SIZE);
  for (let i = 0; i < FILES_PER_LAYER; i += 1) {
    const parent = join(folder, "usr/share", `d${i % 50}`);
    mkdirSync(parent, { recursive: true });
    crypto.getRandomValues(noise.subarray(0, FILE_SIZE / 2));
    writeFileSync(join(parent, `f${i}`), noise);
  }
}

/** Each layer is imported on its own, and the image is put together by its manifest at the registry. */
async function pushImage(registry: string, scratch: string): Promise<void> {
  const layers: { digest: string; size: number; diff: string }[] = [];
  for (let i = 0; i < LAYERS; i += 1) {
    const folder = join(scratch, `layer${i}`);
    makeFiles(join(folder, `l${i}`));
    await timeProcess(["tar", "-C", folder, "-cf", `${folder}.tar`, "."]);
    const tar = await Bun.file(`${folder}.tar`).bytes();
    const packed = Bun.gzipSync(tar);
    layers.push({ digest: await upload(registry, packed), size: packed.length, diff: digestOf(tar) });
  }
  const config = Buffer.from(
    JSON.stringify({
      architecture: process.arch === "arm64" ? "arm64" : "amd64",
      os: "linux",
      config: { Cmd: ["true"] },
      rootfs: { type: "layers", diff_ids: layers.map((layer) => layer.diff) },
    }),
  );
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: {
      mediaType: "application/vnd.oci.image.config.v1+json",
      digest: await upload(registry, config),
      size: config.length,
    },
    layers: layers.map(({ digest, size }) => ({
      mediaType: "application/vnd.oci.image.layer.v1.tar+gzip",
      digest,
      size,
    })),
  });
  const answer = await fetch(`http://${registry}/v2/bench/manifests/latest`, {
    method: "PUT",
    headers: { "content-type": "application/vnd.oci.image.manifest.v1+json" },
    body: manifest,
  });
  if (!answer.ok) throw new Error(`the registry refused the manifest: ${await answer.text()}`);
}

const digestOf = (bytes: Uint8Array) =>
  `sha256:${new Bun.CryptoHasher("sha256").update(bytes).digest("hex")}`;

async function upload(registry: string, bytes: Uint8Array): Promise<string> {
  const digest = digestOf(bytes);
  const begun = await fetch(`http://${registry}/v2/bench/blobs/uploads/`, { method: "POST" });
  const place = new URL(begun.headers.get("location") ?? "", `http://${registry}`);
  place.searchParams.set("digest", digest);
  const answer = await fetch(place, {
    method: "PUT",
    body: bytes,
    headers: { "content-type": "application/octet-stream" },
  });
  if (!answer.ok) throw new Error(`the registry refused a blob: ${await answer.text()}`);
  return digest;
}

export async function pullOnce(host: Host, image: string): Promise<number> {
  const took = await timeProcess([host.cli, "pull", "-q", image], host.environment);
  await timeProcess([host.cli, "rmi", image], host.environment);
  return took;
}

/** A registry on this machine with the image, for as long as `work` takes. */
export async function withRegistryImage<R>(work: (image: string) => Promise<R>): Promise<R> {
  const scratch = mkdtempSync("/var/tmp/berth-bench-registry-");
  const port = await freePort();
  const registry = `127.0.0.1:${port}`;
  writeFileSync(
    join(scratch, "config.yml"),
    `version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: ${scratch}/registry\nhttp:\n  addr: ${registry}\n`,
  );
  const server = Bun.spawn(["docker-registry", "serve", join(scratch, "config.yml")], {
    stdout: "ignore",
    stderr: "ignore",
  });
  try {
    while (
      !(await fetch(`http://${registry}/v2/`)
        .then((r) => r.ok)
        .catch(() => false))
    )
      await Bun.sleep(50);
    await pushImage(registry, scratch);
    return await work(`${registry}/bench:latest`);
  } finally {
    server.kill();
    await server.exited;
    rmSync(scratch, { recursive: true, force: true });
  }
}

export const benchPull: Benchmark = {
  name: "pull: pull and unpack 100 MB of 10,000 files",
  unit: "ms",
  bar: "at most Docker's",
  run: ({ ours, peer, rounds }: Setting) =>
    withRegistryImage((image) =>
      inTurn(Math.min(rounds, 20), () => pullOnce(ours, image), peer && (() => pullOnce(peer, image))),
    ),
};
