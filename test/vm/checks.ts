// What a person does on a Debian 12 of their own, in this order: each check finds what those before it left.

import { appArmor, controlGroups, journal } from "./confinement-checks.ts";
import { life } from "./live-checks.ts";
import { logs } from "./log-checks.ts";

export interface Check {
  what: string;
  /** A line for the shell, as root in the clone. */
  command: string;
  /** What must be in the output; the exit status must be `code` (default 0). */
  shows: RegExp;
  code?: number;
  /** Boots the machine again before the command. */
  afterReboot?: true;
}

const install: Check[] = [
  {
    what: "the README's first command in a fresh clone, from nothing",
    command: "su - ada -c 'cd berth && sudo ./berth run --rm hello-world'",
    shows: /building dist\/berth\n[\s\S]*Hello from/,
  },
  {
    what: "the second call sets nothing up",
    command: "./berth run --rm hello-world",
    shows: /^\s*Hello from(?![\s\S]*set-up)/,
  },
  { what: "version of both ends", command: "./berth version", shows: /Client[\s\S]*Server/ },
  {
    what: "info names cgroup v2, systemd and AppArmor",
    command: "./berth info",
    shows: /Cgroup Driver: systemd\n Cgroup Version: 2\n[\s\S]*apparmor/,
  },
  {
    what: "the daemon that a client started has a scope of its own",
    command: "cat /proc/$(cat /run/berth/berth.pid)/cgroup",
    shows: /^0::\/system\.slice\/berth-daemon\.scope$/m,
  },
  {
    what: "127 layers mount on kernel 6.1",
    command: "sh scripts/bun.sh test --timeout 120000 test/store/snapshots.test.ts -t '127 layers'",
    shows: /\(pass\) snapshots on overlay > 127 layers[\s\S]*^ 0 fail$/m,
  },
];

const containers: Check[] = [
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
    what: "cp into and out of a running container and its volume, where mounts are shared (kernel 6.1)",
    command:
      "echo copied > /tmp/in && ./berth run -d --name files -v files:/v busybox sleep 1000 && ./berth cp /tmp/in files:/v/in && ./berth cp files:/v /tmp/out && ./berth rm -f files && cat /tmp/out/in && ! grep -q rootfs/.*rootfs /proc/mounts",
    shows: /^copied$/m,
  },
  {
    what: "limits are the kernel's",
    command:
      "./berth run --rm -m 32m --memory-swap 48m --cpus 0.5 --pids-limit 50 --cpuset-cpus 0 --cpu-shares 512 busybox sh -c 'cd /sys/fs/cgroup; cat memory.max memory.swap.max cpu.max pids.max cpuset.cpus cpu.weight'",
    shows: /^33554432\n16777216\n50000 100000\n50\n0\n20$/m,
  },
  {
    what: "death by memory is told",
    command:
      "./berth run --name oom -m 16m busybox sh -c 'tail /dev/zero'; ./berth inspect -f '{{.State.OOMKilled}} {{.State.ExitCode}}' oom",
    shows: /^true 137$/m,
  },
  {
    what: "a child's death by memory is told, too",
    command:
      "./berth run --name child -m 16m busybox sh -c 'tail /dev/zero; exit 3'; ./berth inspect -f '{{.State.OOMKilled}} {{.State.ExitCode}}' child; ./berth rm child",
    shows: /^true 3$/m,
  },
  {
    what: "AppArmor and seccomp confine it",
    command: "./berth exec web sh -c 'cat /proc/self/attr/current; grep Seccomp: /proc/self/status'",
    shows: /^berth-default \(enforce\)\nSeccomp:\s*2$/m,
  },
  {
    what: "--privileged is unconfined",
    command: "./berth run --rm --privileged busybox cat /proc/self/attr/current",
    shows: /^unconfined$/m,
  },
  {
    what: "runc as well as crun",
    command: "./berth run --rm --runtime runc -m 32m busybox cat /sys/fs/cgroup/memory.max",
    shows: /^33554432$/m,
  },
  {
    what: "a slice of the person's own",
    command:
      "./berth run -d --name batch --cgroup-parent jobs-night.slice busybox sleep 600 && find /sys/fs/cgroup/jobs.slice/jobs-night.slice -name container; ./berth rm -f batch",
    shows: /\/berth-[0-9a-f]{64}\.scope\/container$/m,
  },
  {
    what: "shim and container share a scope outside the daemon's",
    command: "ps -eo cgroup:200,args | grep '[b]erth shim'; ps -eo cgroup:200,args | grep '[h]ttpd -f'",
    shows: /^0::\/system\.slice\/(berth-[0-9a-f]{64}\.scope)\/shim .*\n0::\/system\.slice\/\1\/container /,
  },
  { what: "ps shows the container", command: "./berth ps", shows: /0\.0\.0\.0:8080->80\/tcp.*web/ },
  {
    what: "a terminal",
    command: "script -qec './berth run --rm -it busybox tty' /dev/null",
    shows: /\/dev\/pts\/0/,
  },
  {
    what: "a volume outlives its container",
    command:
      "./berth run --rm -v data:/d busybox sh -c 'echo kept > /d/f'; ./berth run --rm -v data:/d busybox cat /d/f",
    shows: /^kept$/m,
  },
  {
    what: "a killed daemon loses nothing",
    command: "pkill -9 -f 'berth daemo[n]'; sleep 1; ./berth ps --format '{{.Names}} {{.Status}}'",
    shows: /^web Up/m,
  },
  { what: "exec after the restart", command: "./berth exec web echo alive", shows: /^alive$/m },
];

const service: Check[] = [
  {
    what: "the unit takes over from the daemon that a client started",
    command:
      "cp dist/berth /usr/local/bin/ && cp packaging/berth.service /etc/systemd/system/ && systemctl daemon-reload && systemctl enable --now berth; systemctl is-active berth berth-daemon.scope; berth ps",
    shows: /^active\ninactive\n[\s\S]* web$/m,
  },
  {
    what: "systemctl restart leaves containers up",
    command: "systemctl restart berth && berth exec web echo alive",
    shows: /^alive$/m,
  },
  {
    what: "systemctl stop leaves containers up, and their ports",
    command:
      "berth run -d --name ends busybox sh -c 'sleep 8; exit 7'; systemctl stop berth; curl -sf http://localhost:8080/passwd; pgrep -f '[b]erth daemon' || echo no daemon",
    shows: /^root:[\s\S]*^no daemon$/m,
  },
  {
    what: "a stopped unit is started by a client; what ended meanwhile kept its status",
    command:
      "sleep 12; berth inspect -f '{{.State.Status}} {{.State.ExitCode}}' ends; systemctl is-active berth",
    shows: /^exited 7\nactive$/m,
  },
  {
    what: "killing all of the unit's cgroup leaves containers up; systemd starts the daemon again",
    command:
      "systemctl kill --kill-whom=all -s KILL berth; sleep 6; berth ps --format '{{.Names}} {{.Status}}'; systemctl is-active berth; journalctl -u berth --no-pager | grep -c 'Main process exited'",
    shows: /^web Up[\s\S]*^active\n1$/m,
  },
  {
    what: "systemctl reload",
    command: "systemctl reload berth && sleep 1 && systemctl is-active berth",
    shows: /^active$/m,
  },
  {
    what: "a Debian without apparmor's parser",
    command:
      "mv /sbin/apparmor_parser /root/ && systemctl restart berth && berth run --rm busybox echo runs; mv /root/apparmor_parser /sbin/ && systemctl restart berth && berth run --rm busybox cat /proc/self/attr/current",
    shows: /^runs\nberth-default \(enforce\)$/m,
  },
];

const policies: Check[] = [
  {
    what: "containers with restart policies",
    command:
      "berth run -d --name always --restart always -p 8081:80 busybox httpd -f -h /etc && berth run -d --name stopped --restart unless-stopped busybox sleep 600 && berth stop -t 0 stopped; berth ps -aq | wc -l",
    shows: /^5$/m,
  },
];

const reboot: Check[] = [
  {
    what: "after a reboot the policy's containers are up, the others ended",
    command:
      "for i in $(seq 60); do berth ps --format '{{.Names}} {{.State}}' | grep -q 'always running' && break; sleep 1; done; berth ps -a --format '{{.Names}} {{.State}}' | sort; systemctl is-active berth",
    shows: /^always running\nends exited\noom exited\nstopped exited\nweb exited\nactive$/m,
    afterReboot: true,
  },
  {
    what: "its port answers again, under AppArmor again",
    command:
      "curl -sf --retry 5 --retry-connrefused http://localhost:8081/passwd && berth exec always cat /proc/self/attr/current",
    shows: /^root:[\s\S]*^berth-default \(enforce\)$/m,
  },
  {
    what: "a container from before the reboot starts again",
    command: "berth start web && berth exec web echo alive",
    shows: /^alive$/m,
  },
  {
    what: "stop and remove",
    command:
      "berth stop -t 1 web always && berth rm web always stopped ends oom && berth volume rm data && berth ps -aq | wc -l",
    shows: /^0$/m,
  },
  {
    what: "nothing is left behind",
    command:
      "sleep 2; ip -o link | grep -c bth; grep -c ' /run/berth/[a-z]*/' /proc/self/mountinfo; systemctl list-units --no-legend 'berth-*.scope' | wc -l; ls -A /run/berth/containers | wc -l; pgrep -fc '[b]erth shim'",
    shows: /^0\n0\n0\n0\n0$/m,
    code: 1,
  },
  {
    what: "the unit ends well",
    command: "systemctl stop berth; systemctl is-failed berth",
    shows: /^inactive$/m,
    code: 1,
  },
];

export const CHECKS: Check[] = [
  ...install,
  ...containers,
  ...appArmor,
  ...controlGroups,
  ...journal,
  ...logs,
  ...service,
  ...life,
  ...policies,
  ...reboot,
];
