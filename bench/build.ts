// Builds, each engine's client on its own daemon; the cached one also with one client on both daemons.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Benchmark, Setting } from "./benchmarks.ts";
import { giveCompiler } from "./build-base.ts";
import { giveBusybox } from "./busybox.ts";
import type { Host } from "./hosts.ts";
import { inTurn, type Sample, timeProcess } from "./measure.ts";

const NAME = `berth-bench-build-${process.pid}`;
const MANY = 20_000;

const SMALL = `FROM busybox
WORKDIR /app
COPY . .
RUN echo built > /built
CMD ["cat", "/built"]
`;

const TEN_STEPS = `FROM busybox\n${Array.from({ length: 10 }, (_, i) => `RUN echo ${i} > /file${i}\n`).join("")}`;

/** Half of it is noise. ROUND makes another layer of it. */
const LARGE_LAYER = `FROM busybox
ARG ROUND
RUN : ${NAME} $ROUND; head -c 250000000 /dev/urandom > /noise && head -c 250000000 /dev/zero > /zeros
`;

const PARTS = ["first", "second", "third", "fourth", "fifth", "sixth"];

/** Six stages compile a part each, one links them, the last has the program alone. */
const C_GRAPH = [
  ...PARTS.map(
    (part) => `FROM ${NAME}-gcc AS ${part}\nCOPY Makefile ${part}.c /src/\nRUN make -C /src ${part}.o`,
  ),
  `FROM ${NAME}-gcc AS program\nCOPY Makefile main.c /src/`,
  ...PARTS.map((part) => `COPY --from=${part} /src/${part}.o /src/`),
  "RUN make -C /src program",
  'FROM scratch\nCOPY --from=program /src/program /\nCMD ["/program"]\n',
].join("\n");

const MAKEFILE = `%.o: %.c\n\tcc -O2 -c -o $@ $<\nprogram: main.o ${PARTS.map((part) => `${part}.o`).join(" ")}\n\tcc -static -o $@ $^\n`;

/** A function of a few hundred lines, so that the compiler has work. */
const partSource = (part: string): string =>
  `int ${part}(int x) {\n${Array.from({ length: 300 }, (_, i) => `  x = (x ^ ${i}) * ${2 * i + 3} + (x >> ${i % 31});`).join("\n")}\n  return x;\n}\n`;

const MAIN = `#include <stdio.h>\n${PARTS.map((part) => `int ${part}(int);`).join("\n")}
int main(void) { int x = 1;\n${PARTS.map((part) => `  x = ${part}(x);`).join("\n")}\n  printf("%d\\n", x); return 0; }\n`;

/** A folder with the files, by their names. */
function writeContext(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync("/var/tmp/berth-bench-context-");
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

function writeMany(folder: string): void {
  for (let i = 0; i < MANY; i++) {
    const parent = join(folder, `d${i % 200}`);
    if (i < 200) mkdirSync(parent);
    writeFileSync(join(parent, `file${i}.txt`), `file ${i}\n`.repeat(1 + (i % 40)));
  }
}

interface Case {
  files: Readonly<Record<string, string>>;
  many?: boolean;
  flags?: string[];
}

const build = ({ cli, environment }: Host, ...args: string[]): Promise<number> =>
  timeProcess([cli, "build", "-q", "-t", NAME, ...args], environment);

async function inContext(
  { files, many = false }: Case,
  setting: Setting,
  work: (folder: string) => Promise<Sample>,
): Promise<Sample> {
  const folder = writeContext(files);
  try {
    if (many) writeMany(folder);
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await removeImage(setting, NAME);
  }
}

async function removeImage({ ours, peer }: Setting, name: string): Promise<void> {
  for (const { cli, environment } of [ours, ...(peer ? [peer] : [])])
    await timeProcess([cli, "image", "rm", "-f", name], environment).catch(() => {});
}

/** `ours` and `peer` build the same in turn; the first round, which fills the caches, doesn't count. */
const measure = (setting: Setting, it: Case, ours: Host, peer: Host | undefined, rounds: number) =>
  inContext(it, setting, (folder) => {
    const args = [...(it.flags ?? []), folder];
    return inTurn(rounds, () => build(ours, ...args), peer && (() => build(peer, ...args)));
  });

/** As clients without BuildKit's protocol build: the context as an archive, all of the answer read. */
async function postBuild({ socket }: Host, archive: Uint8Array<ArrayBuffer>): Promise<number> {
  const began = performance.now();
  const answer = await fetch(`http://docker/build?t=${NAME}`, {
    method: "POST",
    unix: socket,
    body: archive,
    headers: { "Content-Type": "application/x-tar" },
  });
  const text = await answer.text();
  const took = performance.now() - began;
  if (!answer.ok || text.includes("errorDetail")) throw new Error(`POST /build: ${answer.status} ${text}`);
  return took;
}

const cached: Case = { files: { Dockerfile: SMALL, file: "text\n" } };
const manyFiles: Case = { files: { Dockerfile: "FROM busybox\nCOPY . /files\n" }, many: true };

/** Only the export counts: the layer is made before. */
async function exportLarge(setting: Setting, timed: (round: string) => string[]): Promise<Sample> {
  const files = { Dockerfile: LARGE_LAYER };
  let round = 0;
  const once = async (host: Host, folder: string): Promise<number> => {
    const argument = ["--build-arg", `ROUND=${round++}`];
    await timeProcess(
      [host.cli, "build", "-q", "--output=type=cacheonly", ...argument, folder],
      host.environment,
    );
    return await timeProcess(
      [host.cli, "build", "-q", ...argument, ...timed(folder), folder],
      host.environment,
    );
  };
  const { ours, peer } = setting;
  const sample = await inContext({ files }, setting, (folder) =>
    inTurn(Math.min(setting.rounds, 3), () => once(ours, folder), peer && (() => once(peer, folder))),
  );
  for (const host of [ours, ...(peer ? [peer] : [])])
    await timeProcess(
      [host.cli, "buildx", "prune", "-f", "-a", `--filter=description~=${NAME}`],
      host.environment,
    ).catch(() => {});
  return sample;
}

const bar = "at most Docker's";

export const buildBenchmarks: Benchmark[] = [
  {
    name: "build: all cached, small context",
    unit: "ms",
    bar: "at most Docker's; aim: a fifth",
    async run(setting) {
      await giveBusybox(setting);
      return measure(setting, cached, setting.ours, setting.peer, setting.rounds);
    },
  },
  {
    name: "build: the same, Docker's buildx on both daemons",
    unit: "ms",
    bar,
    async run(setting) {
      await giveBusybox(setting);
      const { ours, peer, rounds } = setting;
      if (!peer) return { ours: [], peer: [] };
      return measure(setting, cached, { ...peer, ...withSocket(peer, ours) }, peer, rounds);
    },
  },
  {
    name: "build: the same, Berth's client on both daemons",
    unit: "ms",
    bar,
    async run(setting) {
      await giveBusybox(setting);
      const { ours, peer, rounds } = setting;
      return measure(setting, cached, ours, peer && { ...ours, ...withSocket(ours, peer) }, rounds);
    },
  },
  {
    name: "build: the same, by POST /build",
    unit: "ms",
    bar,
    async run(setting) {
      await giveBusybox(setting);
      const { ours, peer, rounds } = setting;
      return await inContext(cached, setting, async (folder) => {
        const archive = new Uint8Array(Bun.spawnSync(["tar", "-c", "-C", folder, "."]).stdout);
        return await inTurn(rounds, () => postBuild(ours, archive), peer && (() => postBuild(peer, archive)));
      });
    },
  },
  {
    name: "build: all cached, 20,000 files unchanged",
    unit: "ms",
    bar,
    async run(setting) {
      await giveBusybox(setting);
      return measure(setting, manyFiles, setting.ours, setting.peer, setting.rounds);
    },
  },
  {
    name: "build: ten RUN steps of a file each",
    unit: "ms",
    bar,
    async run(setting) {
      await giveBusybox(setting);
      const ten: Case = { files: { Dockerfile: TEN_STEPS }, flags: ["--no-cache"] };
      return measure(setting, ten, setting.ours, setting.peer, Math.min(setting.rounds, 7));
    },
  },
  {
    name: "build: eight stages of a C program",
    unit: "ms",
    bar,
    async run(setting) {
      await giveCompiler(setting, `${NAME}-gcc`);
      const sources = Object.fromEntries(PARTS.map((part) => [`${part}.c`, partSource(part)]));
      const files = { Dockerfile: C_GRAPH, Makefile: MAKEFILE, "main.c": MAIN, ...sources };
      const rounds = Math.min(setting.rounds, 5);
      const { ours, peer } = setting;
      try {
        return await measure(setting, { files, flags: ["--no-cache"] }, ours, peer, rounds);
      } finally {
        await removeImage(setting, `${NAME}-gcc`);
      }
    },
  },
  {
    name: "build: COPY of 20,000 files",
    unit: "ms",
    bar,
    async run(setting) {
      await giveBusybox(setting);
      const copied = { ...manyFiles, flags: ["--no-cache"] };
      return measure(setting, copied, setting.ours, setting.peer, Math.min(setting.rounds, 5));
    },
  },
  {
    name: "build: export of a 500 MB layer to the image store",
    unit: "ms",
    bar,
    async run(setting) {
      await giveBusybox(setting);
      return exportLarge(setting, () => ["-t", NAME]);
    },
  },
  {
    name: "build: export of a 500 MB layer as an OCI archive",
    unit: "ms",
    bar,
    async run(setting) {
      await giveBusybox(setting);
      return exportLarge(setting, (folder) => [`--output=type=oci,dest=${folder}/../${NAME}.tar`]);
    },
  },
];

/** A client that is led to another daemon. */
const withSocket = (client: Host, daemon: Host): Partial<Host> => ({
  environment: { ...client.environment, DOCKER_HOST: `unix://${daemon.socket}` },
});
