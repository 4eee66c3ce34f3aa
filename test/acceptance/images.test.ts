// What an introductory course on containers has its readers type, word for word, with `docker` a link to berth: the first
// steps with an image of one's own, and the part on images. Names such as `ubuntu:16.04` are images of the test's own.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Client } from "../clients/client.ts";
import { type Learner, startLearner } from "./learner.ts";

setDefaultTimeout(120_000);

let learner: Learner;
let shell: Client;

/** `python` is what the base's shell can run: it is the instructions that count here. */
const IMAGES: Record<string, string[]> = {
  "ubuntu:16.04": ['CMD ["/bin/bash"]', "ENV PATH=/usr/local/bin:/usr/bin:/bin"],
  "python:3.9": ['CMD ["sh"]', "ENV PATH=/usr/local/bin:/usr/bin:/bin"],
};

beforeAll(async () => {
  learner = await startLearner(IMAGES);
  ({ shell } = learner);
});
afterAll(() => learner?.[Symbol.asyncDispose]());

const type = (line: string): Promise<string> => shell.ok(line);

/** Files in the learner's folder. */
function edit(files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) {
    const path = join(learner.home, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
}

const HELLO = {
  "hello/helloworld": '#!/bin/sh\n\necho "Hello, World!"\n',
  "hello/Dockerfile": `FROM ubuntu:16.04

COPY helloworld /usr/local/bin
RUN chmod +x /usr/local/bin/helloworld

CMD ["helloworld"]
`,
};
/** Its progress is on standard error. */
const build = (options: string) => shell.run(`cd hello && docker image build ${options} . 2>&1`);

describe("first steps", () => {
  test("docker version, and help at each level", async () => {
    const version = await type("docker version");
    for (const words of ["Client:", "Server:", "Version:", "API version:", "OS/Arch:", "Built:"])
      expect(version).toContain(words);
    const help = await type("docker --help");
    expect(help.indexOf("Common Commands:")).toBeLessThan(help.indexOf("Management Commands:"));
    expect(await type("docker container --help")).toMatch(
      /Usage: {2}docker container COMMAND[\s\S]*\n {2}run /,
    );
    expect(await type("docker container run --help")).toContain(
      "Usage:  docker container run [OPTIONS] IMAGE",
    );
  });

  test("image build names and numbers every step; the second one takes all from the cache and says so", async () => {
    edit(HELLO);
    const first = await build("-t helloworld:latest");
    expect(first.code).toBe(0);
    for (const step of [
      "[1/3] FROM docker.io/library/ubuntu:16.04",
      "[2/3] COPY helloworld",
      "[3/3] RUN chmod +x",
    ])
      expect(first.stdout).toContain(step);
    const { stdout } = await build("-t helloworld:latest");
    expect(stdout).toMatch(/\[2\/3\] COPY helloworld \/usr\/local\/bin\n#\d+ CACHED/);
    expect(stdout).toMatch(/\[3\/3\] RUN chmod \+x \/usr\/local\/bin\/helloworld\n#\d+ CACHED/);
    expect(await type("docker container run helloworld:latest")).toBe("Hello, World!");
    expect(await type("docker image ls")).toMatch(
      /^REPOSITORY +TAG +IMAGE ID +CREATED +SIZE\n[\s\S]*^helloworld +latest +[0-9a-f]{12} /m,
    );
  });

  test("a remark after an instruction is an error that names the line and the way out", async () => {
    edit({ "hello/Dockerfile": HELLO["hello/Dockerfile"].replace("16.04", "16.04   # a remark") });
    const { code, stdout } = await build("-t remark");
    expect(code).toBe(1);
    expect(stdout).toMatch(/line 1\b[\s\S]*a remark needs a line of its own/);
  });

  test("a Dockerfile with CRLF builds", async () => {
    edit({ ...HELLO, "hello/Dockerfile": HELLO["hello/Dockerfile"].replaceAll("\n", "\r\n") });
    expect((await build("-t crlf")).code).toBe(0);
    expect(await type("docker run --rm crlf")).toBe("Hello, World!");
  });

  test("a script with CRLF is warned of by its name, and fails by its name when it is run", async () => {
    edit({ ...HELLO, "hello/helloworld": HELLO["hello/helloworld"].replaceAll("\n", "\r\n") });
    const { code, stdout } = await build("-t crlf-script");
    expect(code).toBe(0);
    expect(stdout).toContain('ScriptWithCRLF: Script "helloworld"');
    expect(stdout).toMatch(/CRLF|carriage return/i);
    const run = await shell.run("docker run --rm crlf-script");
    expect(run.code).not.toBe(0);
    expect(run.stderr).toMatch(/helloworld.*no such file or directory/i);
    edit(HELLO);
  });

  test("an image that a container uses is removed by force alone; rmi -f says what it untagged and deleted", async () => {
    const id = await type("docker images -q helloworld");
    const refused = await shell.run(`docker rmi ${id}`);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/unable to (delete|remove)|conflict/i);
    await type("docker rm $(docker ps -a -q)");
    expect(await type(`docker rmi -f ${id}`)).toMatch(
      /^Untagged: helloworld:latest\nDeleted: sha256:[0-9a-f]{64}/,
    );
  });
});

describe("images", () => {
  test("a program with FROM, RUN, WORKDIR, COPY, ENV and CMD", async () => {
    edit({
      "app/Dockerfile": `FROM python:3.9
RUN printf '#!/bin/sh\\nexec sh "$@"\\n' > /usr/local/bin/python && chmod +x /usr/local/bin/python
WORKDIR /app
COPY app.py .
ENV NAME World
CMD ["python", "app.py"]
`,
      "app/app.py": 'echo "Hello $NAME from $(pwd)"\n',
    });
    await type("docker build -t app ./app 2>&1");
    expect(await type("docker run --rm app")).toBe("Hello World from /app");
    expect(await type("docker run --rm -e NAME=you app")).toBe("Hello you from /app");
  });

  test("of an image whose base is here only the new layers are downloaded", async () => {
    const image = `${learner.registry.host}/mine/app:1`;
    const pushed = await type(`docker tag app ${image} && docker push ${image}`);
    expect(pushed).toMatch(/1: digest: sha256:[0-9a-f]{64} size: \d+/);
    await type(`docker rmi -f app ${image} && docker builder prune -af && docker pull python:3.9`);
    const pulled = await type(`docker pull ${image}`);
    expect(pulled).toMatch(/Already exists[\s\S]*Pull complete/);
    expect(await type(`docker run --rm ${image}`)).toBe("Hello World from /app");
  });

  test("FROM scratch with one static program is an image of that one file", async () => {
    await type("mkdir -p one && cp /bin/busybox one/echo");
    edit({ "one/Dockerfile": 'FROM scratch\nCOPY echo /echo\nENTRYPOINT ["/echo"]\nCMD ["alone"]\n' });
    await type("docker build -t one one 2>&1");
    expect(await type("docker run --rm one")).toBe("alone");
    expect(await type("docker run --rm one something else")).toBe("something else");
    await type("docker create --name one one && docker export one -o one.tar && docker rm one");
    expect((await type("tar tf one.tar")).split("\n").filter((name) => /echo|bin/.test(name))).toEqual([
      "echo",
    ]);
  });

  test("EXPOSE is shown by ps and inspect, and published with -P alone", async () => {
    edit({ "exposed/Dockerfile": 'FROM ubuntu:16.04\nEXPOSE 8080\nCMD ["sleep", "600"]\n' });
    await type("docker build -t exposed exposed 2>&1");
    expect(await type("docker inspect -f '{{json .Config.ExposedPorts}}' exposed")).toBe('{"8080/tcp":{}}');
    await type("docker run -d --name quiet exposed && docker run -d -P --name loud exposed");
    expect(await type("docker ps --filter name=quiet --format '{{.Ports}}'")).toBe("8080/tcp");
    expect(await type("docker ps --filter name=loud --format '{{.Ports}}'")).toMatch(
      /0\.0\.0\.0:\d+->8080\/tcp/,
    );
    expect(await type("docker port quiet")).toBe("");
    await type("docker rm -f quiet loud");
  });

  test("COPY: two words, a name with a space, to the WORKDIR; a source outside is refused", async () => {
    edit({
      "copy/a": "a\n",
      "copy/with space": "s\n",
      "copy/Dockerfile":
        'FROM ubuntu:16.04\nWORKDIR /work\nCOPY a b\nCOPY ["with space", "dest"]\nCOPY a .\nCMD ["sh", "-c", "ls; cat b dest"]\n',
      "outside/Dockerfile": "FROM ubuntu:16.04\nCOPY ../copy/a /a\n",
    });
    await type("docker build -t copy copy 2>&1");
    expect(await type("docker run --rm copy")).toBe("a\nb\ndest\na\ns");
    const outside = await shell.run("docker build outside");
    expect(outside.code).toBe(1);
    expect(outside.stderr).toMatch(/>>> COPY \.\.\/copy\/a \/a\n[\s\S]*"\/copy\/a": not found/);
  });

  // ENTRYPOINT, CMD, words after the image: what runs, as Docker's reference has it in a table.
  test.each([
    ["", 'CMD ["echo", "cmd"]', "", "cmd"],
    ["", "CMD echo cmd $HOME", "", "cmd /root"],
    ["", 'CMD ["echo", "cmd"]', "echo given", "given"],
    ['ENTRYPOINT ["echo", "entry"]', "", "", "entry"],
    ['ENTRYPOINT ["echo", "entry"]', "", "given", "entry given"],
    ['ENTRYPOINT ["echo", "entry"]', 'CMD ["cmd"]', "", "entry cmd"],
    ['ENTRYPOINT ["echo", "entry"]', 'CMD ["cmd"]', "given", "entry given"],
    ['ENTRYPOINT ["echo", "entry"]', "CMD cmd", "", "entry /bin/sh -c cmd"],
    ["ENTRYPOINT echo entry $0", 'CMD ["cmd"]', "", "entry cmd"],
    ["ENTRYPOINT echo entry", 'CMD ["cmd"]', "given", "entry"],
  ])("%j with %j, run with %j", async (entrypoint, command, words, seen) => {
    edit({ "both/Dockerfile": `FROM ubuntu:16.04\n${entrypoint}\n${command}\n` });
    await type("docker build -q -t both both");
    expect(await type(`docker run --rm both ${words}`)).toBe(seen);
  });

  test("of two CMD the last one counts, and the build warns", async () => {
    edit({ "two/Dockerfile": 'FROM ubuntu:16.04\nCMD ["echo", "one"]\nCMD ["echo", "two"]\n' });
    const built = await type("docker build -t two two 2>&1");
    expect(built).toContain(
      "MultipleInstructionsDisallowed: Multiple CMD instructions should not be used in the same stage because only the last one will be used (line 2)",
    );
    expect(await type("docker run --rm two")).toBe("two");
  });

  test("five RUN are five layers and one with && is one; a change builds that step and all after it again", async () => {
    const five = Array.from({ length: 5 }, (_, at) => `RUN echo ${at} > /${at}\n`);
    const one = `RUN ${Array.from({ length: 5 }, (_, at) => `echo ${at} > /${at}`).join(" && ")}\n`;
    edit({
      "five/Dockerfile": `FROM ubuntu:16.04\n${five.join("")}`,
      "single/Dockerfile": `FROM ubuntu:16.04\n${one}`,
    });
    await type("docker build -q -t five five && docker build -q -t single single");
    const layers = async (name: string) =>
      (await type(`docker history --no-trunc --format '{{.CreatedBy}}' ${name}`)).match(/^RUN/gm)?.length;
    expect([await layers("five"), await layers("single")]).toEqual([5, 1]);
    five[2] = "RUN echo changed > /2\n";
    edit({ "five/Dockerfile": `FROM ubuntu:16.04\n${five.join("")}` });
    const built = await type("docker build -t five five 2>&1");
    const cached = [...built.matchAll(/^#(\d+) \[(\d)\/6\] RUN/gm)].map(
      ([, number, step]) => `${step} ${built.includes(`#${number} CACHED`) ? "cached" : "run"}`,
    );
    expect([...new Set(cached)].sort()).toEqual(["2 cached", "3 cached", "4 run", "5 run", "6 run"]);
  });
});
