// What other users of the host may reach of the exec root: nothing that a container's root wrote.
import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { importBusybox } from "../fixtures/busybox.ts";
import { startDaemon, waitFor } from "../fixtures/daemon.ts";
import { temporaryFolder } from "../fixtures/temporary-folder.ts";

const nobody = "setpriv --reuid 65534 --regid 65534 --clear-groups --".split(" ");
/** Exit status of a command as the host's nobody. Through a shell: setpriv itself ends with 0 where it can't exec. */
const asNobody = (...command: string[]) =>
  spawnSync(nobody[0] ?? "", [...nobody.slice(1), "sh", "-c", '"$@"', "sh", ...command]).status;

test("a setuid program that a container's root wrote is out of the reach of other users", async () => {
  using scratch = temporaryFolder();
  chmodSync(scratch.path, 0o755);
  // As an earlier release left it.
  mkdirSync(join(scratch.path, "run/rootfs"), { recursive: true, mode: 0o755 });
  await using daemon = await startDaemon({ folder: scratch.path });
  const Image = await importBusybox(daemon);
  const Cmd = [
    "sh",
    "-c",
    "cp /bin/busybox /tmp/true; chmod 4755 /tmp/true; touch /tmp/ready; exec sleep 600",
  ];
  const created = await daemon.request("POST", "/containers/create", {
    body: { Image, Cmd, HostConfig: { NetworkMode: "none", IpcMode: "shareable" } },
  });
  const { Id } = created.json<{ Id: string }>();
  expect((await daemon.request("POST", `/containers/${Id}/start`)).status).toBe(204);
  const rootfs = join(daemon.execRoot, "rootfs", Id);
  await waitFor(() => spawnSync("test", ["-e", join(rootfs, "tmp/ready")]).status === 0, "the program");
  expect(spawnSync(join(rootfs, "tmp/true")).status).toBe(0);
  expect(asNobody("/bin/busybox", "true")).toBe(0);
  expect(asNobody(join(rootfs, "tmp/true"))).not.toBe(0);
  const reachable = readdirSync(daemon.execRoot, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && asNobody("ls", join(daemon.execRoot, entry.name)) === 0)
    .map(({ name }) => name);
  expect(reachable).toEqual([]);
}, 60_000);
