// A daemon with a small base image, its client, and folders for what builds give.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Client } from "../../src/sdk/index.ts";
import { importBusybox } from "../fixtures/busybox.ts";
import { type Daemon, startDaemon } from "../fixtures/daemon.ts";

export interface ImageScene {
  daemon: Daemon;
  client: Client;
  /** The base image's name. */
  base: string;
  /** A new one, empty. */
  newFolder(): string;
}

export async function startImageScene(): Promise<ImageScene> {
  const daemon = await startDaemon();
  let folders = 0;
  return {
    daemon,
    base: await importBusybox(daemon),
    client: new Client({ host: daemon.host }),
    newFolder() {
      const path = join(daemon.folder, `results-${folders++}`);
      mkdirSync(path);
      return path;
    },
  };
}
