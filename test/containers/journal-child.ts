// Run by journal.test.ts beside a systemd-journald of its own: writes as the shim does, reads back as `logs` does.
import { LogFrames } from "../../src/containers/logs/frames.ts";
import { readJournal } from "../../src/containers/logs/journal.ts";
import { fixedBuffer } from "../../src/linux/raw-io.ts";
import { Children } from "../../src/runtime/shim/children.ts";
import { openLog } from "../../src/runtime/shim/log/open.ts";
import { Reactor } from "../../src/runtime/shim/reactor.ts";

const ID = "ab".repeat(32);
const fields = { CONTAINER_ID_FULL: ID, CONTAINER_NAME: "j", SYSLOG_IDENTIFIER: "t", L: "v", MULTI: "a\nb" };
const reactor = new Reactor(console.error);
const children = new Children(reactor);
const log = openLog({ driver: "journald", fields }, { reactor, children, complain: console.error });

function say(text: string, stream: 0 | 1 = 0): void {
  const bytes = Buffer.from(text);
  const room = fixedBuffer(bytes.length + 1);
  room.bytes.set(bytes);
  log.write(stream, room, 0, bytes.length);
}

async function read(tail: number, more: object = {}, follow?: Promise<void>): Promise<string> {
  const all = { stdout: true, stderr: true, follow: false, timestamps: false, details: false, tail: "all" };
  const frames = new LogFrames({ ...all, ...more }, true, { since: undefined, until: undefined });
  const options = { tail, signal: new AbortController().signal, ...(follow && { follow }) };
  let text = "";
  for await (const piece of readJournal(ID, options, frames)) text += Buffer.from(piece);
  return text;
}

say("out\n");
say("err\n", 1);
say(`${"x".repeat(20_000)}\nlast\n`);
const until = Date.now() + 10_000;
while (!(await read(-1)).endsWith("last\n") && Date.now() < until) await Bun.sleep(20);
const end = Promise.withResolvers<void>();
const following = read(0, {}, end.promise);
await Bun.sleep(50);
say("later\n");
await Bun.sleep(50);
end.resolve();
const answers = {
  all: (await read(-1)).replace("x".repeat(20_000), "<long>"),
  errors: await read(100, { stdout: false }),
  tail: await read(2),
  details: await read(1, { details: true }),
  stamped: await read(1, { timestamps: true }),
  followed: await following,
};
console.log(JSON.stringify(answers));
process.exit(0);
