// `git://host/path#ref:folder`: a checkout. Its key is the commit, asked of the server; it is fetched only when nobody has it.
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { withoutCredentials, withoutCredentialsIn } from "../../base/addresses.ts";
import { invalid, notFound, systemError, unavailable } from "../../base/errors.ts";
import type { SourceOp } from "../../buildkit/messages/ops_pb.ts";
import type { SnapshotId } from "../../store/types.ts";
import type { OperationEnvironment } from "../ops/environment.ts";
import { readSecret } from "../ops/secrets.ts";
import type { Vertex } from "../solver/graph.ts";
import type { RunContext, Source } from "../solver/operation.ts";
import type { VertexProgress } from "../solver/progress.ts";
import { scratchFolder } from "../solver/views.ts";
import { cacheKey } from "./cache-key.ts";
import { openSsh, type SshAccess } from "./git-ssh.ts";
import { layerOf, snapshotRef } from "./snapshot-ref.ts";

interface GitPlace {
  url: string;
  /** "" is the server's default branch. */
  ref: string;
  folder: string;
  keepGitDir: boolean;
  checksum: string;
  submodules: boolean;
}

interface GitCall {
  cwd: string;
  /** What can't be done when it fails. */
  what: string;
  /** Configuration that must not be seen in a process list goes by the environment. */
  headers: string[];
  ssh: SshAccess;
  signal: AbortSignal;
  progress: VertexProgress;
}

const COMMIT = /^[0-9a-f]{40}$/;

export function gitSource(vertex: Vertex, op: SourceOp, environment: OperationEnvironment): Source {
  const place = placeOf(op);
  return {
    kind: "source",
    async open({ progress, signal, lease }) {
      progress.start();
      const { store } = environment.host;
      const scratch = scratchFolder(store, "git");
      environment.untilEnd(() => rmSync(scratch, { recursive: true, force: true }));
      const call: GitCall = {
        cwd: scratch,
        what: `failed to fetch remote ${withoutCredentials(place.url)}`,
        headers: await credentials(op, environment),
        ssh: await openSsh(op, environment),
        signal,
        progress,
      };
      const commit = await cacheKey(() => findCommit(place, call));
      checkCommit(place, commit);
      environment.materials.remote(op.identifier, { sha1: commit });
      const key = `git ${commit} ${place.folder} ${place.keepGitDir} ${place.submodules}`;
      const known = environment.records.find(key);
      const make = async () => {
        if (known?.outputs[0]) {
          store.leases.hold(lease, { snapshot: known.outputs[0] });
          return known.outputs[0];
        }
        return await checkOut(vertex, place, commit, key, call, environment, { lease, signal });
      };
      const { views } = environment;
      return { ref: snapshotRef(vertex, key, make, { views, signal }), cached: known !== undefined };
    },
  };
}

function placeOf(op: SourceOp): GitPlace {
  const [, address = "", fragment = ""] = /^([^#]*)(?:#(.*))?$/s.exec(op.identifier) ?? [];
  const colon = fragment.indexOf(":");
  const ref = colon < 0 ? fragment : fragment.slice(0, colon);
  const url = op.attrs["git.fullurl"] || address.replace(/^git:\/\//, "https://");
  if (url.startsWith("-") || ref.startsWith("-"))
    throw invalid(`invalid git source ${op.identifier}: a name begins with a dash`);
  return {
    url,
    ref,
    folder: colon < 0 ? "" : fragment.slice(colon + 1),
    keepGitDir: op.attrs["git.keepgitdir"] === "true",
    checksum: op.attrs["git.checksum"] ?? "",
    submodules: op.attrs["git.skipsubmodules"] !== "true",
  };
}

/** `GIT_AUTH_TOKEN` and `GIT_AUTH_HEADER`, where the client has them as secrets. */
async function credentials(op: SourceOp, environment: OperationEnvironment): Promise<string[]> {
  const read = async (name: string | undefined) =>
    name ? await readSecret(environment, name, true).catch(() => undefined) : undefined;
  const header = await read(op.attrs["git.authheadersecret"]);
  if (header) return [`Authorization: ${Buffer.from(header).toString().trim()}`];
  const token = await read(op.attrs["git.authtokensecret"]);
  if (!token) return [];
  const basic = Buffer.from(`x-access-token:${Buffer.from(token).toString().trim()}`).toString("base64");
  return [`Authorization: basic ${basic}`];
}

async function findCommit(place: GitPlace, call: GitCall): Promise<string> {
  if (COMMIT.test(place.ref)) return place.ref;
  const what = place.ref ? "failed to fetch remote" : "error fetching default branch for repository";
  return await askCommit(place, { ...call, what: `${what} ${withoutCredentials(place.url)}` });
}

function checkCommit({ checksum }: GitPlace, commit: string): void {
  if (checksum && !commit.startsWith(checksum))
    throw invalid(`expected checksum to match ${checksum}, got ${commit}`);
}

async function askCommit({ url, ref }: GitPlace, call: GitCall): Promise<string> {
  const listed = await git(["ls-remote", "--", url, ref || "HEAD", ...(ref ? [`${ref}^{}`] : [])], call);
  const lines = listed
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split("\t") as [string, string]);
  const order = [`refs/tags/${ref}^{}`, `refs/tags/${ref}`, `refs/heads/${ref}`, ref, "HEAD"];
  for (const name of order) {
    const found = lines.find(([, listed]) => listed === name);
    if (found) return found[0];
  }
  if (lines[0]) return lines[0][0];
  throw invalid(`repository does not contain ref ${ref}, output: ${JSON.stringify(listed)}`);
}

async function checkOut(
  vertex: Vertex,
  place: GitPlace,
  commit: string,
  key: string,
  call: GitCall,
  environment: OperationEnvironment,
  { lease, signal }: Pick<RunContext, "lease" | "signal">,
): Promise<SnapshotId> {
  const { store } = environment.host;
  const { url, ref, submodules } = place;
  await git(["init", "--quiet", "."], call);
  await git(["remote", "add", "origin", "--", url], call);
  try {
    const wanted = COMMIT.test(ref) ? commit : ref || "HEAD";
    await git(["fetch", "--quiet", "--depth=1", "--no-tags", "origin", wanted], call);
  } catch (thrown) {
    signal.throwIfAborted();
    // A server that gives no single commits gives all of it.
    if (!COMMIT.test(ref)) throw thrown;
    await git(["fetch", "--quiet", "--tags", "origin"], call);
  }
  await git(["checkout", "--quiet", "--force", "--detach", COMMIT.test(ref) ? commit : "FETCH_HEAD"], call);
  if (submodules) await git(["submodule", "update", "--quiet", "--init", "--recursive", "--depth=1"], call);
  await finishGitDir(place, call);
  if (!existsSync(join(call.cwd, place.folder)))
    throw notFound(
      `invalid subdir ${place.folder}: ${place.folder} isn't in the repository: no such file or directory`,
    );
  const owner = { user: { byId: 0 }, group: { byId: 0 } };
  const snapshot = await layerOf(
    store,
    call.cwd,
    { source: `/${place.folder}`, destination: "/", directoryContents: true, owner },
    { lease, signal },
  );
  await environment.records.add({
    key,
    type: "source.git.checkout",
    description: `git snapshot for ${vertex.name}`,
    outputs: [snapshot],
    parents: [],
  });
  return snapshot;
}

/** A branch or a tag by its short name. */
const PLAIN_REF = /^(?!refs\/)\w[\w./-]*$/;

/** What stays of git's own files becomes a layer: no password may be in it. */
async function finishGitDir({ url, ref, keepGitDir }: GitPlace, call: GitCall): Promise<void> {
  const folder = join(call.cwd, ".git");
  if (!keepGitDir) return rmSync(folder, { recursive: true, force: true });
  if (!COMMIT.test(ref) && PLAIN_REF.test(ref)) {
    // As in BuildKit's, the name is a branch and a tag: scripts ask git what it is that they build.
    await git(["update-ref", `refs/tags/${ref}`, "FETCH_HEAD"], call);
    await git(["update-ref", `refs/heads/${ref}`, "FETCH_HEAD^{commit}"], call);
    for (const remotes of ["refs/remotes", "logs/refs/remotes"])
      rmSync(join(folder, remotes), { recursive: true, force: true });
  }
  await git(["remote", "set-url", "origin", "--", withoutCredentials(url)], call);
  rmSync(join(folder, "FETCH_HEAD"), { force: true });
}

/** Runs git. A server that knows no shallow history (plain files over HTTP) gives all of it. Errors: system, with git's words. */
async function git(words: string[], call: GitCall): Promise<string> {
  const first = await runGit(words, call);
  const whole = words.filter((word) => word !== "--depth=1");
  const retry = first.code !== 0 && whole.length < words.length && /--depth|shallow/.test(first.errors);
  const { code, output, errors: said } = retry ? await runGit(whole, call) : first;
  const errors = withoutCredentialsIn(said);
  if (errors) call.progress.log(2, Buffer.from(errors));
  if (code !== 0) throw systemError(`${call.what}: git stderr:\n${errors}: exit status ${code}`);
  return output;
}

/** Without the host's settings: what a repository or a person's home says must not run anything here. */
async function runGit(words: string[], { cwd, headers, ssh, signal }: GitCall) {
  const environment = {
    PATH: process.env.PATH ?? "/usr/bin:/bin",
    HOME: "/nonexistent",
    LC_ALL: "C",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    GIT_SSH_COMMAND: ssh.command,
    ...(ssh.agent && { SSH_AUTH_SOCK: ssh.agent }),
    GIT_CONFIG_COUNT: String(headers.length),
    ...Object.fromEntries(
      headers.flatMap((header, at) => [
        [`GIT_CONFIG_KEY_${at}`, "http.extraheader"],
        [`GIT_CONFIG_VALUE_${at}`, header],
      ]),
    ),
  };
  const safe = [
    "-c",
    "protocol.allow=never",
    ...["http", "https", "ssh", "git"].flatMap((name) => ["-c", `protocol.${name}.allow=always`]),
  ];
  let child: Bun.Subprocess<"ignore", "pipe", "pipe">;
  try {
    child = Bun.spawn(
      ["git", ...safe, "-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false", ...words],
      {
        cwd,
        env: environment,
        stdio: ["ignore", "pipe", "pipe"],
        signal,
        killSignal: "SIGKILL",
      },
    );
  } catch (thrown) {
    throw unavailable(
      "git is not installed on the daemon's host, and a source of this build is a git repository",
      thrown,
    );
  }
  const [output, errors, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  signal.throwIfAborted();
  return { code, output, errors };
}
