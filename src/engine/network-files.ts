// A running container's /etc/hosts and resolv.conf, which change with the networks and containers around it. They are files of its
// folder that are mounted in it, so they are written in their place; and their owner may have written into them.
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../base/errors.ts";
import { log } from "../base/log.ts";
import { containerFolder } from "./folders.ts";
import type { Engine } from "./types.ts";

/** Bytes; larger ones are no table of ours: a container may write what it likes into it, of any size. */
const LIMIT = 1 << 20;

export type NetworkFiles = NonNullable<ReturnType<Engine["networks"]["files"]>>;

/**
 * After a change of its networks, `old` is what the files were made of before: in hosts lines that are ours are changed,
 * whatever its owner wrote stays; a resolv.conf that somebody edited is left as it is, as by Docker.
 */
export function refreshNetworkFiles(engine: Engine, id: string, old: NetworkFiles | undefined): void {
  const now = engine.networks.files(id);
  if (!old || !now) return;
  editContainerFile(engine, id, "hosts", (text) => withLines(text, old.hosts, now.hosts));
  editContainerFile(engine, id, "resolv.conf", (text) => (text === old.resolvConf ? now.resolvConf : text));
}

/** A file of a container's folder, changed in its place. One that can't be is logged: the change itself has happened. */
export function editContainerFile(
  engine: Engine,
  id: string,
  name: string,
  edit: (text: string) => string,
): void {
  const path = join(containerFolder(engine.environment, id), name);
  try {
    if (statSync(path).size > LIMIT) return;
    const text = readFileSync(path, "utf8");
    const edited = edit(text);
    if (edited !== text) writeFileSync(path, edited);
  } catch (error) {
    log.warn("cannot write a container's file", { path, error: messageOf(error) });
  }
}

/** A text without the lines that went from `old` to `now`, and with those that came, at its end. Pure. */
export function withLines(text: string, old: string, now: string): string {
  const [before, after] = [old.split("\n"), now.split("\n")];
  const gone = new Set(before.filter((line) => line !== "" && !after.includes(line)));
  const come = after.filter((line) => line !== "" && !before.includes(line));
  const kept = text.split("\n").filter((line) => !gone.has(line));
  while (kept.at(-1) === "") kept.pop();
  return `${[...kept, ...come].join("\n")}\n`;
}
