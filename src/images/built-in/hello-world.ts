// The built-in hello-world: one program that says that all of it works.

import { type TarEntry, tarArchive } from "../tar-writer.ts";
import { helloProgram, type Machine } from "./elf.ts";

export const HELLO_MESSAGE = `
Hello from Berth!
If you can read this, a container has just run on this machine.

What happened on the way here:
 1. The berth command asked the Berth daemon to run the "hello-world" image.
 2. No registry could be reached, so the daemon took the image that comes with Berth.
 3. The daemon made a container of it and started its one program.
 4. The program's output went through the daemon to your terminal.

Next, try a shell in a container of its own:
 $ berth run -it busybox

`;

/** The layer: a tar with /hello. */
export function helloLayer(machine: Machine): Uint8Array {
  const entry: TarEntry = { path: "hello", type: "file", mode: 0o755 };
  return tarArchive([{ entry, content: helloProgram(machine, HELLO_MESSAGE) }]);
}

export const HELLO_CONFIG = {
  Cmd: ["/hello"],
  Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
};
