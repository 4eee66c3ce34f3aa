// A container's life under the unit, where its health, its log and its state have to outlast the daemon.
import type { Check } from "./checks.ts";

/** Waits up to a minute until a line for the shell succeeds. */
const until = (condition: string) => `for i in $(seq 60); do if ${condition}; then break; fi; sleep 1; done`;
const health = (name: string, status: string) =>
  until(`[ "$(berth inspect -f '{{.State.Health.Status}}' ${name})" = ${status} ]`);

/** Sixty numbered lines within about half a minute, through the driver that compresses. */
const COUNT = "i=0; while [ $i -lt 60 ]; do echo line $i; i=$((i+1)); sleep 0.5; done";

export const life: Check[] = [
  {
    what: "health: starting, healthy, unhealthy, healthy again",
    command: `berth run -d --name well --health-cmd '! test -e /ill' --health-interval 2s --health-retries 2 --health-timeout 20s busybox sleep 3000 && berth ps --format '{{.Names}} {{.Status}}' -f name=well; ${health("well", "healthy")}; berth exec well touch /ill; ${health("well", "unhealthy")}; berth ps --format '{{.Status}}' -f name=well; berth exec well rm /ill; ${health("well", "healthy")}; berth inspect -f '{{.State.Health.Status}} {{.State.Health.FailingStreak}}' well`,
    shows: /^well Up .*\(health: starting\)\nUp .*\(unhealthy\)\nhealthy 0$/m,
  },
  {
    what: "commit of a running container, with a change",
    command:
      "berth exec well sh -c 'echo committed > /f' && berth commit -a ada -m why -c 'CMD [\"cat\", \"/f\"]' well kept:1 && berth run --rm kept:1; berth inspect -f '{{.State.Status}}' well; berth rmi kept:1",
    shows: /^sha256:[0-9a-f]{64}\ncommitted\nrunning\nUntagged: kept:1\n/m,
  },
  {
    what: "following the local driver's log across systemctl restart: no line lost, none twice",
    command: `berth run -d --name lines --log-driver local busybox sh -c '${COUNT}'; (berth logs -f lines >/tmp/before 2>/tmp/cut; echo "follower ended $?" >>/tmp/cut) & sleep 5; systemctl restart berth; berth logs -f lines >/tmp/after; wait; seq -f 'line %g' 0 59 | cmp - /tmp/after && head -n "$(wc -l </tmp/before)" /tmp/after | cmp - /tmp/before && test -s /tmp/before && echo whole; cat /tmp/cut; berth wait lines; berth rm lines`,
    shows: /^whole\n[\s\S]*follower ended \d+\n0\nlines$/m,
  },
  {
    what: "kill -9 of the daemon with all kinds of containers: each is as it would have been",
    command: `berth run -d --name frozen busybox sleep 3000; berth pause frozen; berth run -d --name again --restart always busybox sh -c 'sleep 2; exit 3'; (berth run --name held busybox sh -c 'sleep 20; exit 5'; echo "client ended $?") >/tmp/held 2>&1 & ${until("berth ps --format '{{.Names}}' | grep -q held")}; BEFORE=$(berth inspect -f '{{.State.Pid}} {{.State.StartedAt}}' well); berth run -d --rm --name gone busybox sleep 4; systemctl kill --kill-whom=main -s KILL berth; sleep 15; ${until("systemctl is-active -q berth")}; AFTER=$(berth inspect -f '{{.State.Pid}} {{.State.StartedAt}}' well); test -n "$BEFORE" -a "$BEFORE" = "$AFTER" && echo same process; berth inspect -f '{{.State.Status}}' frozen; berth unpause frozen && berth exec frozen echo thawed; ${until("[ \"$(berth inspect -f '{{.RestartCount}}' again)\" -gt 1 ]")}; berth inspect -f '{{gt .RestartCount 1}}' again; berth wait held; berth inspect -f '{{.State.ExitCode}}' held; berth ps -aq -f name=gone | wc -l; wait; cat /tmp/held`,
    shows: /^same process\npaused\nfrozen\nthawed\ntrue\n5\n5\n0\n[\s\S]*client ended [1-9]\d*$/m,
  },
  {
    what: "health goes on after it",
    command: `berth exec well touch /ill; ${health("well", "unhealthy")}; berth inspect -f '{{.State.Health.Status}} {{len .State.Health.Log}}' well; berth rm -f well frozen again held`,
    shows: /^unhealthy 5\nwell\nfrozen\nagain\nheld$/m,
  },
  {
    what: "update under the unit: the limit and the policy, in the kernel and after a restart of the daemon",
    command:
      "berth run -d --name more -m 32m busybox sleep 3000 >/dev/null; berth update -m 64m --memory-swap 64m --restart on-failure:3 more; systemctl restart berth; cat /sys/fs/cgroup/system.slice/berth-$(berth inspect -f '{{.Id}}' more).scope/container/memory.max; berth inspect -f '{{.HostConfig.Memory}} {{.HostConfig.RestartPolicy.Name}}' more; berth exec more cat /sys/fs/cgroup/memory.max; berth rm -f more",
    shows: /^more\n67108864\n67108864 on-failure\n67108864\nmore$/m,
  },
];
