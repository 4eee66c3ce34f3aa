// Where a reader of a course sits: a daemon whose mirror serves the images that the course names, and a shell in which
// `docker` is berth.
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { berthBinary } from "../clients/berth-binary.ts";
import { type Client, clientOf } from "../clients/client.ts";
import { type Daemon, startDaemon } from "../fixtures/daemon.ts";
import { startRegistry, type TestRegistry } from "../fixtures/registry.ts";

export interface Learner extends AsyncDisposable {
  daemon: Daemon;
  registry: TestRegistry;
  /** Takes one argument: a line, typed in `home`. */
  shell: Client;
  home: string;
}

/** `images`: by the name that a learner types, what the image says of itself, as Dockerfile instructions. All are busybox. */
export async function startLearner(images: Record<string, string[]>): Promise<Learner> {
  const registry = await startRegistry();
  const daemon = await startDaemon({ config: { "registry-mirrors": [`http://${registry.host}`] } });
  const home = join(daemon.folder, "home");
  mkdirSync(join(home, "bin"), { recursive: true });
  symlinkSync(berthBinary(daemon.folder), join(home, "bin/docker"));
  const options = { patience: 60_000 };
  const shell = clientOf("shell", writeShell(home), daemon.host, join(home, ".docker"), options);
  await serveImages(images, { registry, shell, home });
  return {
    daemon,
    registry,
    shell,
    home,
    async [Symbol.asyncDispose]() {
      await daemon[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
    },
  };
}

/** A program that runs its one argument as a line typed in the learner's folder. */
function writeShell(home: string): string {
  const path = join(home, "bin/learner");
  writeFileSync(path, `#!/bin/sh\ncd '${home}' && PATH='${home}/bin':$PATH exec sh -c "$1"\n`, {
    mode: 0o755,
  });
  return path;
}

/** busybox under each name, pushed to the mirror and taken out of the daemon again. */
async function serveImages(
  images: Record<string, string[]>,
  { registry, shell, home }: Pick<Learner, "registry" | "shell" | "home">,
): Promise<void> {
  const root = join(home, "root");
  mkdirSync(join(root, "bin"), { recursive: true });
  for (const folder of ["etc", "tmp", "root", "usr", "usr/local", "usr/local/bin"])
    mkdirSync(join(root, folder));
  writeFileSync(join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
  await Bun.$`cp /bin/busybox ${root}/bin/ && chroot ${root} /bin/busybox --install -s /bin`.quiet();
  await Bun.$`tar -C ${root} -cf ${root}.tar .`.quiet();
  for (const [name, changes] of Object.entries(images)) {
    const pushed = `${registry.host}/library/${name}`;
    const options = changes.map((change) => `-c '${change}'`).join(" ");
    await shell.ok(
      `docker import ${options} root.tar ${pushed} && docker push -q ${pushed} && docker rmi ${pushed}`,
    );
  }
}
