// The journald driver against a real systemd-journald, in a mount namespace with a /run of its own, so that no host's journal
// and no audit or kernel messages are touched.
import { expect, test } from "bun:test";
import { existsSync } from "node:fs";

const JOURNALD = "/lib/systemd/systemd-journald";
const runnable = existsSync(JOURNALD) && existsSync("/etc/machine-id");
if (!runnable) console.log("skipped: there is no systemd-journald on this machine");

const SCRIPT = `
set -e
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/journal /run/systemd/journald.conf.d /run/log
printf '[Journal]\\nStorage=volatile\\nAudit=no\\nReadKMsg=no\\nRateLimitBurst=0\\n' > /run/systemd/journald.conf.d/test.conf
${JOURNALD} 2>/dev/null &
journald=$!
for i in $(seq 200); do [ -S /run/systemd/journal/socket ] && break; sleep 0.05; done
"$0" "$1" || failed=$?
kill $journald
wait $journald || true
exit \${failed:-0}`;

test.skipIf(!runnable)(
  "lines go to the journal and come back: streams, long lines, tail, attributes, following",
  async () => {
    const child = new URL("journal-child.ts", import.meta.url).pathname;
    const run = Bun.spawn(
      ["unshare", "--mount", "--propagation", "private", "sh", "-c", SCRIPT, process.execPath, child],
      { stdin: "ignore", stdout: "pipe", stderr: "inherit" },
    );
    const text = await new Response(run.stdout).text();
    expect(await run.exited).toBe(0);
    const answers = JSON.parse(text) as Record<string, string>;
    expect(answers).toEqual({
      all: "out\nerr\n<long>\nlast\nlater\n",
      errors: "err\n",
      tail: "last\nlater\n",
      details: "L=v,MULTI=a%0Ab later\n",
      stamped: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z later\n$/),
      followed: "later\n",
    });
  },
);
