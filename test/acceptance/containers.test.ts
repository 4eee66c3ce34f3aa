// What an introductory course on containers has its readers type, word for word, with `docker` a link to berth: the part
// on containers. Names such as `httpd` and `alpine` are images of the test's own, which a mirror of its own serves.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Client } from "../clients/client.ts";
import { waitFor } from "../fixtures/daemon.ts";
import { freePort } from "../fixtures/registry.ts";
import { type Learner, startLearner } from "./learner.ts";

let learner: Learner;
let shell: Client;
let home: string;
/** A line that has to succeed; answers what it printed. */
const type = (line: string): Promise<string> => shell.ok(line);

/** Images by the name that a learner types, with what their image says of them. */
const IMAGES: Record<string, string[]> = {
  "httpd:latest": [
    'CMD ["sh", "-c", "mkdir -p /www; echo It works! > /www/index.html; exec httpd -f -h /www"]',
    "EXPOSE 80",
  ],
  "hello-world:latest": ['CMD ["echo", "Hello from Docker!"]'],
  "alpine:latest": ['CMD ["/bin/sh"]'],
  "golang:alpine": ['CMD ["/bin/sh"]', "WORKDIR /go"],
  "ubuntu:16.04": ['CMD ["/bin/sh"]'],
};

beforeAll(async () => {
  learner = await startLearner(IMAGES);
  ({ shell, home } = learner);
});
afterAll(() => learner?.[Symbol.asyncDispose]());

async function answers(port: number): Promise<boolean> {
  try {
    return (await (await fetch(`http://localhost:${port}/`)).text()) === "It works!\n";
  } catch {
    return false;
  }
}

test("run --name -d, and the same name again is refused by whom it belongs to", async () => {
  const id = await type("docker run --name test1 -d httpd 2>pull.txt");
  expect(readFileSync(join(home, "pull.txt"), "utf8")).toContain(
    "Unable to find image 'httpd:latest' locally",
  );
  const again = await shell.run("docker run --name test1 -d httpd");
  expect(again.code).toBe(125);
  expect(again.stderr).toContain(
    `Conflict. The container name "/test1" is already in use by container "${id}". You have to remove (or rename)`,
  );
});

test("a host port is published once, and several containers of one image answer on ports of their own", async () => {
  const [first, second, third] = [freePort(), freePort(), freePort()];
  await type(`docker run --name test2 -d -p ${first}:80 httpd`);
  const taken = await shell.run(`docker run --name test3 -d -p ${first}:80 httpd`);
  expect(taken.code).toBe(125);
  expect(taken.stderr).toContain("port is already allocated");
  expect(await type("docker ps -a --filter name=test3 --format '{{.Names}} {{.Status}}'")).toBe(
    "test3 Created",
  );
  await type("docker rm test3");
  await type(
    `docker run --name test4 -d -p ${second}:80 httpd && docker run --name test5 -d -p ${third}:80 httpd`,
  );
  for (const port of [first, second, third]) await waitFor(() => answers(port), `httpd to answer on ${port}`);
});

test("run --rm runs and leaves nothing behind", async () => {
  const before = await type("docker ps -a -q");
  expect(await type("docker run --rm hello-world 2>/dev/null")).toBe("Hello from Docker!");
  expect(await type("docker ps -a -q")).toBe(before);
});

test("a shell in a terminal, in the root folder of the image", async () => {
  await using session = shell.terminal("docker run -it --rm alpine:latest sh");
  await session.until(/# /);
  session.type("ls\n");
  expect(await session.until(/usr/)).toContain("bin");
  session.type("exit\n");
  expect(await session.exited).toBe(0);
});

test("the host's folder as the working folder, with a port", async () => {
  writeFileSync(join(home, "main.go"), "package main\n");
  await using session = shell.terminal(
    `docker run -it --rm -v $(pwd):/src -p ${freePort()}:8080 -w /src golang:alpine /bin/sh`,
  );
  await session.until(/\/src # /);
  session.type("cat main.go; echo made > from-inside\n");
  await session.until(/package main[\s\S]*# /);
  session.type("exit\n");
  expect(await session.exited).toBe(0);
  expect(readFileSync(join(home, "from-inside"), "utf8")).toBe("made\n");
});

test("create, start -i, exec -i -t, stop, ls -a, rm -f -v", async () => {
  await type("mkdir -p given && echo given > given/file");
  await type(
    "docker create -i -t --name made -e WHO=learner -p 8080 -v $(pwd)/given:/given ubuntu:16.04 2>/dev/null",
  );
  await using session = shell.terminal("docker start -i made");
  await session.until(/# /);
  session.type("echo I am $WHO; cat /given/file\n");
  await session.until(/I am learner[\s\S]*given[\s\S]*# /);
  await using beside = shell.terminal("docker exec -i -t made /bin/sh");
  await beside.until(/# /);
  beside.type("hostname\n");
  const id = await type("docker ps -q --filter name=made");
  await beside.until(new RegExp(id));
  beside.type("exit\n");
  expect(await beside.exited).toBe(0);
  expect(await type("docker stop -t 1 made")).toBe("made");
  expect(await session.exited).not.toBe(0);
  expect(await type("docker container ls -a --filter name=made --format '{{.Status}}'")).toMatch(
    /^Exited \(\d+\)/,
  );
  expect(await type("docker rm -f -v made")).toBe("made");
});

test("cp both ways, and commit", async () => {
  await type("docker run -d --name work ubuntu:16.04 sleep 600 && echo from outside > note.txt");
  await type("docker cp note.txt work:/tmp/ && docker exec work sh -c 'cat /tmp/note.txt > /tmp/back.txt'");
  await type("docker cp work:/tmp/back.txt .");
  expect(readFileSync(join(home, "back.txt"), "utf8")).toBe("from outside\n");
  expect(await type("docker commit -m 'a note' work mine:noted")).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(await type("docker run --rm mine:noted cat /tmp/note.txt")).toBe("from outside");
  await type("docker rm -f work && docker rmi mine:noted");
});

test("a relative host path is one of the learner's folder; an invalid volume name is refused with the reason", async () => {
  await type("mkdir -p rel/path && echo here > rel/file");
  expect(await type("docker run --rm -v ./rel:/x alpine cat /x/file")).toBe("here");
  const refused = await shell.run("docker run --rm -v rel/path:/x alpine true");
  expect(refused.code).toBe(125);
  expect(refused.stderr).toContain(
    '"rel/path" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path',
  );
});

test("rm -v of all, with their anonymous volumes", async () => {
  await type("docker run -d --name keeper -v /data alpine sleep 600");
  const volume = await type("docker volume ls -q");
  expect(existsSync(join(learner.daemon.dataRoot, "volumes", volume))).toBe(true);
  const running = await shell.run("docker rm -v $(docker ps -a -q)");
  expect(running.code).toBe(1);
  expect(running.stderr).toContain("stop the container before removing or force remove");
  await type("docker stop -t 0 $(docker ps -q) && docker rm -v $(docker ps -a -q)");
  expect(await type("docker ps -a -q; docker volume ls -q")).toBe("");
});
