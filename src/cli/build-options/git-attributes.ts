// The commit that a build's folder is at, for its provenance and the history (docker/buildx build/git.go).

import { realpathSync } from "node:fs";
import { stat } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { goBoolean } from "../../base/go-boolean.ts";

const REVISION = "label:org.opencontainers.image.revision";
const SOURCE = "label:org.opencontainers.image.source";
const ENTRYPOINT = "label:com.docker.image.source.entrypoint";

/** Attributes for the frontend. `folders`: the local ones, by their names. Empty outside of a work tree. */
export async function gitAttributes(
  folder: string,
  dockerfile: string,
  folders: Record<string, string>,
): Promise<Record<string, string>> {
  const labels = process.env.BUILDX_GIT_LABELS ?? "";
  const withLabels = labels === "full" || goBoolean(labels) === true;
  const withInfo = goBoolean(process.env.BUILDX_GIT_INFO ?? "") !== false;
  if (!withLabels && !withInfo) return {};
  const place = resolve(folder);
  // Most folders are in no work tree: a look upwards is cheaper than a process.
  if (!(await isBelowGit(place))) return {};
  const git = (...words: string[]) => run(place, words);
  if ((await git("rev-parse", "--is-inside-work-tree")) !== "true") return {};
  const [root, commit, remote] = await Promise.all([
    git("rev-parse", "--show-toplevel"),
    git("show", "--format=%H", "HEAD", "--quiet", "--"),
    remoteAddress(git),
  ]);
  const attributes: Record<string, string> = {};
  if (commit) {
    const dirty =
      goBoolean(process.env.BUILDX_GIT_CHECK_DIRTY ?? "") &&
      (await git("status", "--porcelain", "--ignored"));
    const revision = dirty ? `${commit}-dirty` : commit;
    if (withLabels) attributes[REVISION] = revision;
    if (withInfo) attributes["vcs:revision"] = revision;
  }
  if (remote && withLabels) attributes[SOURCE] = remote;
  if (remote && withInfo) attributes["vcs:source"] = remote;
  if (!root) return attributes;
  if (withLabels) {
    const path = relative(root, resolve(dockerfile || join(place, "Dockerfile")));
    if (!path.startsWith("..")) attributes[ENTRYPOINT] = path;
  }
  if (withInfo)
    for (const [name, path] of Object.entries(folders)) {
      const below = relative(root, realpathSync(path)) || ".";
      if (!below.startsWith("..")) attributes[`vcs:localdir:${name}`] = below;
    }
  return attributes;
}

async function isBelowGit(place: string): Promise<boolean> {
  for (let at = place; ; at = resolve(at, "..")) {
    if (await stat(join(at, ".git")).catch(() => undefined)) return true;
    if (at === "/") return false;
  }
}

/** The address of the repository that the working folder is in, or nothing. */
export const repositoryHere = (): Promise<string> => remoteAddress((...words) => run(".", words));

/** The remote of the branch, or the first that there is; without a password in it. */
async function remoteAddress(git: (...words: string[]) => Promise<string>): Promise<string> {
  const names = (await git("remote")).split("\n").filter(Boolean);
  const name = names.includes("origin") ? "origin" : (names.find((one) => one === "upstream") ?? names[0]);
  if (!name) return "";
  const address = await git("remote", "get-url", name);
  if (!URL.canParse(address)) return address;
  const parsed = new URL(address);
  if (!parsed.password && !parsed.username) return address;
  parsed.password &&= "xxxxx";
  return parsed.toString();
}

/** What git says, or nothing where it fails or isn't there. */
async function run(place: string, words: string[]): Promise<string> {
  try {
    const child = Bun.spawn(["git", "-C", place, ...words], { stdout: "pipe", stderr: "ignore" });
    const text = await new Response(child.stdout).text();
    return (await child.exited) === 0 ? text.trim() : "";
  } catch {
    return "";
  }
}
