// AppArmor, control groups of version 2 and the journal: what the development machine's kernel and init don't have.
import type { Check } from "./checks.ts";

/** Lets AppArmor alone stand between root in the container and the kernel. */
const BARE = "--security-opt systempaths=unconfined --security-opt seccomp=unconfined --cap-add SYS_ADMIN";
const TRY =
  "echo 60 >/proc/sys/vm/swappiness; echo h >/proc/sysrq-trigger; head -c1 /proc/kcore; mount -t tmpfs x /tmp && echo mounted; :";

const PROFILE = `abi <abi/3.0>,
profile berth-test flags=(attach_disconnected,mediate_deleted) {
  file,
  network,
  capability,
  signal,
  deny /etc/group r,
}`;

export const appArmor: Check[] = [
  {
    what: "the default profile is loaded, and inspect names it",
    command:
      "grep ^berth- /sys/kernel/security/apparmor/profiles; ./berth inspect -f '{{.AppArmorProfile}}' web",
    shows: /^berth-default \(enforce\)\nberth-default$/m,
  },
  {
    what: "it is enforced where nothing else stands in the way: writing below /proc/sys and to sysrq-trigger, kcore, mounts",
    command: `./berth run --rm ${BARE} busybox sh -c '${TRY}'`,
    shows:
      /swappiness: Permission denied[\s\S]*sysrq-trigger: Permission denied[\s\S]*kcore: Permission denied[\s\S]*mount: (?![\s\S]*^mounted)/m,
  },
  {
    what: "without it, as a person asks, the same goes through",
    command: `./berth run --rm ${BARE} --security-opt apparmor=unconfined busybox sh -c 'cat /proc/self/attr/current; mount -t tmpfs x /tmp && echo mounted'`,
    shows: /^unconfined\nmounted$/m,
  },
  {
    what: "another profile by name, for the container and its execs",
    command: `echo '${PROFILE}' | apparmor_parser -r && ./berth run -d --name named --security-opt apparmor=berth-test busybox sleep 600 && ./berth exec named sh -c 'cat /proc/self/attr/current /proc/1/attr/current; cat /etc/group'; ./berth inspect -f '{{.AppArmorProfile}}' named; ./berth rm -f named`,
    shows: /^berth-test \(enforce\)\nberth-test \(enforce\)\n.*group.*Permission denied\nberth-test$/m,
  },
  {
    what: "a profile that isn't loaded is refused, and leaves nothing",
    command:
      "./berth run --name none --security-opt apparmor=no-such busybox true; echo status $?; ./berth inspect -f '{{.State.Status}}' none; ./berth rm none; systemctl list-units --no-legend 'berth-*.scope' | grep -vc daemon",
    shows: /apparmor[\s\S]*^status 12[5-7]\ncreated\nnone\n1$/m,
  },
];

/** The container's group as the host has it. */
const GROUP =
  "G=$(echo /sys/fs/cgroup/system.slice/berth-$(./berth inspect -f '{{.Id}}' idle).scope/container)";
/** Figures of the API between those that the kernel had before and after. */
const COMPARE = [
  "const before=JSON.parse(process.argv[1]), s=JSON.parse(process.argv[2]), after=JSON.parse(process.argv[3]);",
  "const within=(name,low,x,high)=>console.log(name, ...(low<=x&&x<=high?['agrees']:[low,x,high]));",
  "within('cpu',before.cpu*1000,s.cpu_stats.cpu_usage.total_usage,after.cpu*1000);",
  "within('memory',Math.min(before.memory,after.memory)-262144,s.memory_stats.usage,Math.max(before.memory,after.memory)+262144);",
  "within('limit',67108864,s.memory_stats.limit,67108864);",
  "within('pids',before.pids,s.pids_stats.current,after.pids);",
].join(" ");
const FIGURES =
  'figures() { echo "{\\"cpu\\":$(sed -n "s/^usage_usec //p" $G/cpu.stat),\\"memory\\":$(cat $G/memory.current),\\"pids\\":$(cat $G/pids.current)}"; }';

export const controlGroups: Check[] = [
  {
    what: "stats agree with the kernel's files",
    command: `./berth run -d --name idle -m 64m busybox sh -c 'i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; sleep 600'; sleep 3; ${GROUP}; ${FIGURES}; B=$(figures); S=$(curl -s --unix-socket /run/berth/berth.sock 'http://d/containers/idle/stats?stream=false&one-shot=true'); node -e "${COMPARE}" "$B" "$S" "$(figures)"`,
    shows: /^cpu agrees\nmemory agrees\nlimit agrees\npids agrees$/m,
  },
  {
    what: "update changes the limits of what runs",
    command: `./berth update -m 48m --memory-swap 64m --cpus 0.25 --pids-limit 20 --cpu-shares 512 idle; ${GROUP}; cd $G; cat memory.max memory.swap.max cpu.max pids.max cpu.weight`,
    shows: /^50331648\n16777216\n25000 100000\n20\n20$/m,
  },
  {
    what: "a fork bomb ends at its limit, and by rm -f with all of it",
    command: `./berth run -d --name bomb --pids-limit 40 -e 'B=BEGIN { while (1) system("awk \\"$B\\" &") }' busybox sh -c 'exec awk "$B"'; sleep 5; cat /sys/fs/cgroup/system.slice/berth-$(./berth inspect -f '{{.Id}}' bomb).scope/container/pids.current; ./berth rm -f bomb; pgrep -c awk`,
    shows: /^(39|40)\nbomb\n0$/m,
    code: 1,
  },
  {
    what: "one that is paused is frozen, and killed all the same",
    command: `./berth pause idle; ${GROUP}; cat $G/cgroup.freeze; ./berth rm -f idle; ls -d $G`,
    shows: /^idle\n1\nidle\n.*No such file/m,
    code: 2,
  },
];

export const journal: Check[] = [
  {
    what: "the journal as a container's log",
    command:
      "./berth run -d --name told --log-driver journald busybox echo to the journal; ./berth wait told; sleep 1; journalctl --no-pager -o cat CONTAINER_NAME=told; ./berth logs told; ./berth rm told",
    shows: /^0\nto the journal\nto the journal\ntold$/m,
  },
];
