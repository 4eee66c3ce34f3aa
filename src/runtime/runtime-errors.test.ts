import { describe, expect, test } from "bun:test";
import { execFailure, startFailure } from "./runtime-errors.ts";

// What crun 1.8.1 and runc 1.1.5 say, and what Docker 28.5.2 answered for the same (recorded from its API).
const INIT =
  "failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: ";
const EXEC = "OCI runtime exec failed: exec failed: unable to start container process: ";
const MOUNT =
  ": Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path exists and is the expected type";

type Case = [said: string, command: string, docker: string, exitCode: number];

const COMMANDS: Case[] = [
  [
    "executable file `foo` not found in $PATH: No such file or directory",
    "foo",
    'exec: "foo": executable file not found in $PATH',
    127,
  ],
  [
    "executable file `/no/such` not found in $PATH: No such file or directory",
    "/no/such",
    'exec: "/no/such": stat /no/such: no such file or directory',
    127,
  ],
  [
    "executable file `./rel` not found in $PATH: No such file or directory",
    "./rel",
    'exec: "./rel": stat ./rel: no such file or directory',
    127,
  ],
  ["open executable: Permission denied", "/bin/noexec", 'exec: "/bin/noexec": permission denied', 126],
  ["open executable: Permission denied", "noexec", 'exec: "noexec": executable file not found in $PATH', 127],
  [
    "open executable: Operation not permitted",
    "/bin/adir",
    'exec: "/bin/adir": is a directory: permission denied',
    126,
  ],
  [
    "open executable: Operation not permitted",
    "adir",
    'exec: "adir": executable file not found in $PATH',
    127,
  ],
  ["open executable: Operation not permitted", "", 'exec: "": executable file not found in $PATH', 127],
];

describe("a runtime's words become Docker's", () => {
  test.each(COMMANDS)("%s (%s)", (said, command, docker, exitCode) => {
    for (const [made, expected] of [
      [startFailure(said, command), INIT + docker],
      [execFailure(said, command), EXEC + docker],
    ] as const) {
      expect(made.message).toBe(expected);
      expect(made.exitCode).toBe(exitCode as 126);
      expect(made.status).toBe(400);
    }
  });

  test.each<Case>([
    [
      "chdir `/nowhere`: No such file or directory",
      "true",
      'chdir to cwd ("/nowhere") set in config.json failed: no such file or directory',
      127,
    ],
    [
      "chdir `/afile`: Not a directory",
      "true",
      `chdir to cwd ("/afile") set in config.json failed: not a directory${MOUNT}`,
      127,
    ],
    [
      'exec failed: unable to start container process: exec: "foo": executable file not found in $PATH',
      "foo",
      'exec: "foo": executable file not found in $PATH',
      127,
    ],
  ])("exec: %s", (said, command, docker, exitCode) => {
    expect(execFailure(said, command)).toMatchObject({ message: EXEC + docker, exitCode });
  });

  test.each<Case>([
    [
      'runc run failed: unable to start container process: exec: "foo": executable file not found in $PATH',
      "foo",
      'exec: "foo": executable file not found in $PATH',
      127,
    ],
    [
      "runc run failed: unable to start container process: error during container init: mkdir /afile: not a directory",
      "true",
      `mkdir /afile: not a directory${MOUNT}`,
      127,
    ],
    [
      "mount `/x` to `proc/y`: Not a directory",
      "true",
      `mount \`/x\` to \`proc/y\`: not a directory${MOUNT}`,
      127,
    ],
    ["write to `memory.max`: Invalid argument", "true", "write to `memory.max`: invalid argument", 128],
  ])("start: %s", (said, command, docker, exitCode) => {
    expect(startFailure(said, command)).toMatchObject({ message: INIT + docker, exitCode });
  });

  test("an AppArmor profile that isn't there is called so", () => {
    const said = "write file `/proc/thread-self/attr/exec`: No such file or directory";
    expect(startFailure(said, "true").message).toBe(
      `${INIT}unable to apply apparmor profile: apparmor failed to apply profile: write /proc/thread-self/attr/exec: no such file or directory`,
    );
  });

  test("a failure of the daemon's side is no bad request", () => {
    expect(startFailure("cgroups in hybrid mode not supported", "true").status).toBe(500);
    expect(startFailure("runc run failed: cgroup path is busy", "true").message).toBe(
      "failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: cgroup path is busy",
    );
  });
});
