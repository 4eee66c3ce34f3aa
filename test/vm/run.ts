// `npm run test:vm`: installs Berth in a stock Debian 12 by its README's first command and runs the main commands there.
import { type Machine, startMachine } from "./machine.ts";

interface Check {
  what: string;
  command: string;
  /** What must be in the output; the exit status must be `code` (default 0). */
  shows: RegExp;
  code?: number;
}

const CHECKS: Check[] = [
  {
    what: "the README's first command, from nothing",
    command: "sudo ./berth run --rm hello-world",
    shows: /Hello from/i,
  },
  {
    what: "the second call sets nothing up",
    command: "./berth run --rm hello-world 2>&1 | grep -c set-up || true",
    shows: /^0$/m,
  },
  { what: "version of both ends", command: "./berth version", shows: /Client[\s\S]*Server/ },
  { what: "info names cgroup v2 and AppArmor", command: "./berth info", shows: /Cgroup Version: 2/ },
  {
    what: "exit status of the program",
    command: "./berth run --rm busybox sh -c 'exit 42'",
    shows: /^/,
    code: 42,
  },
  {
    what: "a command that isn't there",
    command: "./berth run --rm busybox nosuch",
    shows: /executable file not found/,
    code: 127,
  },
  {
    what: "a detached container with a published port",
    command: "./berth run -d --name web -p 8080:80 -m 64m busybox httpd -f -h /etc",
    shows: /^[0-9a-f]{64}$/m,
  },
  {
    what: "its port answers on localhost",
    command: "curl -sf --retry 5 --retry-connrefused http://localhost:8080/passwd",
    shows: /root:/,
  },
  {
    what: "the outside is reachable through the bridge",
    command: "./berth exec web ping -c1 -w5 10.0.2.2",
    shows: /1 packets received/,
  },
  {
    what: "the memory limit is the kernel's",
    command: "./berth exec web cat /sys/fs/cgroup/memory.max",
    shows: /^67108864$/m,
  },
  {
    what: "AppArmor confines it",
    command: "./berth exec web cat /proc/self/attr/current",
    shows: /\(enforce\)/,
  },
  {
    what: "the shim lives outside the daemon's cgroup",
    command: "ps -eo cgroup,args | grep '[b]erth.* shim'",
    shows: /scope/,
  },
  {
    what: "death by memory is told",
    command:
      "./berth run --name oom -m 16m busybox sh -c 'tail /dev/zero'; ./berth inspect -f '{{.State.OOMKilled}} {{.State.ExitCode}}' oom",
    shows: /^true 137$/m,
  },
  { what: "ps shows the container", command: "./berth ps", shows: /web/ },
  {
    what: "a killed daemon loses nothing",
    command: "pkill -9 -f 'berth daemon'; sleep 1; ./berth ps --format '{{.Names}} {{.Status}}'",
    shows: /^web Up/m,
  },
  { what: "exec after the restart", command: "./berth exec web echo alive", shows: /^alive$/m },
  {
    what: "a volume outlives its container",
    command:
      "./berth run --rm -v data:/d busybox sh -c 'echo kept > /d/f'; ./berth run --rm -v data:/d busybox cat /d/f",
    shows: /^kept$/m,
  },
  {
    what: "stop and remove",
    command:
      "./berth stop -t 1 web && ./berth rm web oom && ./berth volume rm data && ./berth ps -aq | wc -l",
    shows: /^0$/m,
  },
  {
    what: "nothing is left behind",
    command: "sleep 1; ip link | grep -c veth || true; mount | grep -c berth.*overlay || true",
    shows: /^0\n0$/m,
  },
];

async function check(machine: Machine, { what, command, shows, code = 0 }: Check): Promise<boolean> {
  const began = performance.now();
  const result = await machine.exec("sh", "-c", `cd /root/berth && { ${command}; } 2>&1`);
  const ok = result.code === code && shows.test(result.output);
  console.log(`${ok ? "ok  " : "FAIL"} ${what} (${((performance.now() - began) / 1000).toFixed(1)} s)`);
  if (!ok)
    console.log(
      `     ${command}\n     exit status ${result.code}\n${result.output.slice(-3000).replace(/^/gm, "     ")}`,
    );
  return ok;
}

await using machine = await startMachine();
const archive = Bun.spawn(["git", "archive", "HEAD"], { stdout: "pipe" });
await machine.unpack(archive.stdout, "/root/berth");
let failed = 0;
for (const each of CHECKS) if (!(await check(machine, each))) failed += 1;
console.log(`${CHECKS.length - failed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
