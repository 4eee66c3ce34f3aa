// The journald driver: only a machine with systemd has a journal. Read by journalctl, and read back by `logs`.
import type { Check } from "./checks.ts";

const LINES = "echo out; echo err >&2; head -c 20000 /dev/zero | tr '\\\\0' x; echo; echo last";

export const logs: Check[] = [
  {
    what: "a container that logs to the journal",
    command:
      `./berth run -d --name jo --log-driver journald --log-opt tag='{{.Name}}/t' --log-opt labels=l --label l=v busybox sh -c "${LINES}; sleep 10; echo after" && ` +
      "sleep 1 && journalctl --sync && journalctl -o export CONTAINER_NAME=jo",
    shows:
      /(?=[\s\S]*^MESSAGE=out$)(?=[\s\S]*^PRIORITY=3$)(?=[\s\S]*^CONTAINER_TAG=jo\/t$)(?=[\s\S]*^SYSLOG_IDENTIFIER=jo\/t$)(?=[\s\S]*^L=v$)(?=[\s\S]*^CONTAINER_PARTIAL_MESSAGE=true$)(?=[\s\S]*^CONTAINER_ID_FULL=[0-9a-f]{64}$)/m,
  },
  {
    what: "following it from the journal to its end",
    command: "./berth logs -f jo 2>/dev/null | tail -n 2",
    shows: /^last\nafter\n$/,
  },
  {
    what: "its logs, read back: long lines joined, the end, the attributes",
    command:
      "./berth logs jo 2>/dev/null | awk '{ print length($0) }' | tr '\\n' ' '; ./berth logs --tail 1 jo; ./berth logs --details --tail 1 jo; ./berth logs jo 2>&1 >/dev/null; ./berth rm jo",
    shows: /^3 20000 4 5 after\nL=v after\nerr\njo\n$/,
  },
];
