// The Dockerfiles of apps/: programs as people write and pack them, what each is built with, and how its container answers.
import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Client } from "../clients/client.ts";
import { debianArchive, hostNames } from "../fixtures/debian.ts";

export const APPS = join(import.meta.dir, "apps");

export interface App {
  name: string;
  /** The container's port. */
  port: number;
  /** What GET / answers. */
  answers: string;
  /** A header of it. */
  header?: [name: string, value: RegExp];
  /** Of `docker build`. */
  options?: string[];
  /** Fields of the image's config. */
  config: Record<string, unknown>;
}

export const apps: App[] = [
  {
    name: "node",
    port: 3000,
    answers: "Hello from Node.js as 1000\n",
    header: ["X-Powered-By", /^Express$/],
    options: ["--secret=id=npmrc,src=npmrc"],
    config: {
      User: "node",
      WorkingDir: "/usr/src/app",
      Cmd: ["node", "dist/server.js"],
      ExposedPorts: { "3000/tcp": {} },
      Healthcheck: { Interval: 30_000_000_000, Timeout: 3_000_000_000 },
    },
  },
  {
    name: "python",
    port: 5000,
    answers: "Hello from Python as somebody",
    config: {
      User: "app",
      Entrypoint: ["python3", "-m", "flask"],
      Cmd: ["run", "--host=0.0.0.0"],
    },
  },
  {
    name: "go",
    port: 8080,
    answers: "Hello from Go 1.2.3 as 10001, of a file in the program\n",
    options: ["--build-arg=VERSION=1.2.3"],
    config: { User: "app", Entrypoint: ["/server"], Cmd: ["-listen", ":8080"] },
  },
  {
    name: "nginx",
    port: 80,
    answers: "Hello from nginx\n",
    header: ["X-Served-By", /^[0-9a-f]{12}$/],
    config: {
      StopSignal: "SIGQUIT",
      Volumes: { "/var/cache/nginx": {} },
      Labels: { "org.opencontainers.image.title": "site" },
    },
  },
  {
    name: "httpd",
    port: 80,
    answers: "Hello from httpd\n",
    header: ["X-Made-By", /^a Dockerfile$/],
    config: { Cmd: ["apache2ctl", "-D", "FOREGROUND"], ExposedPorts: { "80/tcp": {} } },
  },
  {
    name: "c",
    port: 8000,
    answers: "Hello from C, 1 times\n",
    config: { Entrypoint: ["/bin/server"], ExposedPorts: { "8000/tcp": {} } },
  },
];

/** npm that runs on Debian 12's Node.js. */
const NPM = "npm@10.9.2";

/** A builder with Debian in it, and copies of the apps. Its images are named with `prefix`, so that a Docker keeps its own. */
export interface AppBuilder {
  client: Client;
  folder: string;
  prefix: string;
}

/** Imports Debian, which all stand on. */
export async function makeBases(builder: AppBuilder): Promise<void> {
  const { client, folder, prefix } = builder;
  cpSync(APPS, folder, { recursive: true });
  await client.ok("import", "-c", 'CMD ["bash"]', await debianArchive(), `${prefix}debian:bookworm-slim`);
}

/** What the node app stands on, besides. */
export async function makeNodeBases({ client, folder, prefix }: AppBuilder): Promise<void> {
  const base = join(folder, "node-base");
  const packed = await Bun.$`npm pack --silent --pack-destination ${base} ${NPM}`.text();
  await Bun.$`mv ${join(base, packed.trim())} ${join(base, "npm.tgz")}`.quiet();
  writeFileSync(join(folder, "npmrc"), await npmSettings());
  for (const [tag, target] of [
    ["18-slim", "slim"],
    ["18", "full"],
  ])
    await client.ok(
      "build",
      ...contextsOf(prefix),
      ...buildOptions(folder, [`--target=${target}`]),
      "-t",
      `${prefix}node:${tag}`,
      base,
    );
}

/** The host's way to its npm registry; the certificates are those that Debian's root got from the host. */
async function npmSettings(): Promise<string> {
  const registry = (await Bun.$`npm config get registry`.text()).trim();
  const authorities = (await Bun.$`npm config get cafile`.text()).trim();
  const trusted = authorities === "null" ? "" : "cafile=/etc/ssl/certs/ca-certificates.crt\n";
  return `registry=${registry}\n${trusted}`;
}

/** `docker build`'s options and context for an app. */
export function argumentsOf(app: App, { folder, prefix }: AppBuilder): string[] {
  return [...contextsOf(prefix), ...buildOptions(folder, app.options ?? []), join(folder, app.name)];
}

function buildOptions(folder: string, options: string[]): string[] {
  const own = options.map((option) => option.replace("src=", `src=${folder}/`));
  return ["--progress=plain", "--provenance=false", ...hostNames(), ...own];
}

/** The bases' plain names in the Dockerfiles are images with a prefix. */
function contextsOf(prefix: string): string[] {
  if (prefix === "") return [];
  return ["debian:bookworm-slim", "node:18", "node:18-slim"].map(
    (name) => `--build-context=${name}=docker-image://${prefix}${name}`,
  );
}
