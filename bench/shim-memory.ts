// Private memory of a shim by itself, without daemon and API: idle, after output, after execs. For work on the shim:
// `sh scripts/bun.sh bench/shim-memory.ts [--bytes N] [--execs N] [--smaps]`, with the built dist/berth.
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { bundle, execSpec } from "../test/runtime/fixture.ts";
import { startBerth } from "./hosts.ts";

const { values } = parseArgs({
  options: {
    bytes: { type: "string", default: "1000000000" },
    execs: { type: "string", default: "1000" },
    smaps: { type: "boolean", default: false },
  },
});
const BINARY = new URL("../dist/berth", import.meta.url).pathname;
process.env.BERTH_BINARY = BINARY;

/** Private kilobytes of a process: proc_pid_smaps(5). */
function privateMemory(pid: number): { dirty: number; clean: number } {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1]);
  return { dirty: field("Private_Dirty"), clean: field("Private_Clean") };
}

/** Seconds of processor time that a process took: proc_pid_stat(5), in hundredths. */
function processorTime(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function show(what: string, pid: number): void {
  const { dirty, clean } = privateMemory(pid);
  console.log(
    `${what}: ${((dirty + clean) / 1024).toFixed(2)} MB private (${dirty} kB dirty, ${clean} kB clean)`,
  );
  if (values.smaps) showMappings(pid);
}

function showMappings(pid: number): void {
  const mappings: { name: string; kb: number }[] = [];
  for (const line of readFileSync(`/proc/${pid}/smaps`, "utf8").split("\n")) {
    const start = /^[0-9a-f]+-[0-9a-f]+ (\S+) \S+ \S+ \S+\s*(.*)$/.exec(line);
    if (start) mappings.push({ name: `${line.split(" ")[0]} ${start[1]} ${start[2]}`, kb: 0 });
    const last = mappings.at(-1);
    const kb = /^Private_\w+:\s+(\d+) kB/.exec(line)?.[1];
    if (last && kb) last.kb += Number(kb);
  }
  for (const { name, kb } of mappings.sort((a, b) => b.kb - a.kb).slice(0, 12))
    console.log(`  ${kb} kB ${name}`);
}

const lines = `yes ${"x".repeat(99)} | head -c ${values.bytes}`;
// The daemon runs the same file, so that its text is shared; a busy one has touched what the shim touches.
await using daemon = await startBerth();
for (let i = 0; i < 200; i++) await fetch("http://berth/info", { unix: daemon.socket });
await using measured = await bundle({
  args: ["/bin/sh", "-c", `cat; ${lines}; sleep 3600`],
  stdin: true,
  stdinOnce: true,
});
const shim = await measured.start();
const stream = await shim.attach({ stdin: true, stdout: true, stderr: true });
const began = performance.now();
await shim.start();
console.log(`start: ${(performance.now() - began).toFixed(1)} ms`);
await Bun.sleep(500);
show("idle", shim.pid);

const output = performance.now();
stream.closeStdin();
let left = Number(values.bytes);
for await (const { data } of stream.output) {
  left -= data.length;
  if (left <= 0) break;
}
console.log(
  `output: ${((performance.now() - output) / 1000).toFixed(2)} s, the shim's processor ${processorTime(shim.pid)} s`,
);
await Bun.sleep(500);
show(`after ${values.bytes} bytes`, shim.pid);

const execs = performance.now();
for (let done = 0; done < Number(values.execs); done += 8)
  await Promise.all(
    Array.from({ length: 8 }, async (_, i) => {
      const id = `e${done + i}`;
      await using attached = await shim.attach({ exec: id, stdin: false, stdout: true, stderr: true });
      await shim.exec(id, execSpec(["true"]), { stdin: false });
      for await (const _ of attached.output);
      await shim.wait(id);
    }),
  );
if (Number(values.execs) > 0)
  console.log(`execs: ${((performance.now() - execs) / Number(values.execs)).toFixed(1)} ms each`);
await Bun.sleep(1000);
show(`after ${values.execs} execs`, shim.pid);
await shim.kill(9);
await shim.wait();
await shim.remove();
