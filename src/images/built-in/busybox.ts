// The built-in busybox: the distribution's static busybox with a link for each of its commands, and the few files that
// programs look for, as in Docker's image of that name.
import { readFile } from "node:fs/promises";
import { unavailable } from "../../base/errors.ts";
import { type TarEntry, tarArchive } from "../tar-writer.ts";
import { isStaticProgram } from "./elf.ts";

const PLACES = ["/bin/busybox", "/usr/bin/busybox", "/bin/busybox.static", "/usr/bin/busybox.static"];
/** For a program that prints its list, on a slow host: milliseconds. */
const LIST_WITHIN = 60_000;

const PASSWD = `root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
bin:x:2:2:bin:/bin:/bin/false
sys:x:3:3:sys:/dev:/bin/false
sync:x:4:100:sync:/bin:/bin/sync
mail:x:8:8:mail:/var/spool/mail:/bin/false
www-data:x:33:33:www-data:/var/www:/bin/false
operator:x:37:37:Operator:/var:/bin/false
nobody:x:65534:65534:nobody:/home:/bin/false
`;
const GROUP = `root:x:0:
daemon:x:1:
bin:x:2:
sys:x:3:
adm:x:4:
tty:x:5:
disk:x:6:
wheel:x:10:root
mail:x:8:
www-data:x:33:
utmp:x:43:
staff:x:50:
users:x:100:
nobody:x:65534:
`;
const NSSWITCH = `passwd: files
group: files
shadow: files
hosts: files dns
`;

export const BUSYBOX_CONFIG = {
  Cmd: ["sh"],
  Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
};

/** The layer of this machine's busybox. Errors: unavailable when there is no static one. */
export async function busyboxLayer(places = PLACES): Promise<Uint8Array> {
  for (const path of places) {
    const program = await readFile(path).catch(() => undefined);
    if (program && isStaticProgram(program)) return layerOf(program, await commandsOf(path));
  }
  throw unavailable(
    "the busybox image that comes with Berth is made from the package busybox-static, which is not installed: apt-get install busybox-static",
  );
}

/** What the program can be called as, sorted, without itself. */
async function commandsOf(path: string): Promise<string[]> {
  const child = Bun.spawn([path, "--list"], { stdout: "pipe", stderr: "ignore", timeout: LIST_WITHIN });
  const names = (await new Response(child.stdout).text()).split("\n");
  if ((await child.exited) !== 0) throw unavailable(`${path} --list failed, so no image can be made of it`);
  return [...new Set(names)].filter((name) => /^[\w.[-]+$/.test(name) && name !== "busybox").sort();
}

function layerOf(program: Uint8Array, commands: string[]): Uint8Array {
  const folder = (path: string, mode = 0o755, owner = 0): { entry: TarEntry } => ({
    entry: { path: `${path}/`, type: "folder", mode, uid: owner, gid: owner },
  });
  const file = (path: string, content: string, mode = 0o644) => ({
    entry: { path, type: "file", mode } satisfies TarEntry,
    content: new TextEncoder().encode(content),
  });
  const link = (name: string): { entry: TarEntry } => ({
    entry: { path: `bin/${name}`, type: "hard-link", mode: 0o755, target: "bin/busybox" },
  });
  return tarArchive([
    folder("bin"),
    { entry: { path: "bin/busybox", type: "file", mode: 0o755 }, content: program },
    ...commands.map(link),
    folder("dev"),
    folder("etc"),
    file("etc/group", GROUP),
    file("etc/nsswitch.conf", NSSWITCH),
    file("etc/passwd", PASSWD),
    file("etc/shadow", PASSWD.replace(/^([^:]*):.*$/gm, "$1:*:10933:0:99999:7:::"), 0o640),
    folder("home", 0o755, 65534),
    folder("root", 0o700),
    folder("tmp", 0o1777),
    folder("usr"),
    folder("usr/bin"),
    // Scripts ask for this one by its full name.
    { entry: { path: "usr/bin/env", type: "symbolic-link", mode: 0o777, target: "../../bin/env" } },
    folder("usr/sbin"),
    folder("var"),
    folder("var/spool"),
    folder("var/spool/mail", 0o755, 8),
    folder("var/www", 0o755, 33),
  ]);
}
