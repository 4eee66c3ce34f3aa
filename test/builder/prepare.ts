// Makes the folder that a case is built in: a copy of its files with modes and times that don't depend on the checkout,
// and then what git can't hold.
import {
  chmodSync,
  cpSync,
  existsSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { type Compression, packedArchive } from "./archive.ts";

export interface PreparedFile {
  /** Relative to the context, which `..` may leave. */
  path: string;
  /** "file" when absent. A file without text, bytes and size is one that is there already. */
  type?: "file" | "folder" | "symlink" | "hard-link" | "fifo" | "socket" | "character" | "archive";
  text?: string;
  /** Of a file that only has to be large: zeros. */
  size?: number;
  /** Octal. */
  mode?: string;
  uid?: number;
  gid?: number;
  /** Seconds since the epoch. */
  time?: number;
  /** Of a link; of a hard link relative to the context. */
  target?: string;
  /** Of a file in an archive, in hexadecimal digits. */
  xattrs?: Record<string, string>;
  /** Of an archive. */
  entries?: PreparedFile[];
  compression?: Compression;
  /** Of an archive that is cut off: how many bytes are left. */
  cut?: number;
}

/** 2020-01-01, the time of every prepared file that has no other. */
export const PREPARED_TIME = 1_577_836_800;

/** Copies `folder`/context, or nothing where there is none, to `context`, with the Dockerfile of `folder` in it. */
export function prepareContext(folder: string, context: string, files: PreparedFile[]): void {
  mkdirSync(context, { recursive: true });
  const own = join(folder, "context");
  if (existsSync(own)) cpSync(own, context, { recursive: true, verbatimSymlinks: true });
  const dockerfile = join(folder, "Dockerfile");
  if (existsSync(dockerfile)) cpSync(dockerfile, join(context, "Dockerfile"));
  settle(context);
  for (const file of files) make(context, file);
  // Folders last: what is made in them changes their times.
  for (const file of files) setTime(join(context, file.path), file.time ?? PREPARED_TIME);
  setTime(context, PREPARED_TIME);
}

function settle(path: string): void {
  const stat = lstatSync(path);
  if (stat.isDirectory()) for (const name of readdirSync(path)) settle(join(path, name));
  if (!stat.isSymbolicLink()) chmodSync(path, stat.isDirectory() || stat.mode & 0o100 ? 0o755 : 0o644);
  setTime(path, PREPARED_TIME);
}

function make(context: string, file: PreparedFile): void {
  const path = join(context, file.path);
  const { type = "file", target = "" } = file;
  mkdirSync(dirname(path), { recursive: true });
  if (type === "folder") mkdirSync(path, { recursive: true });
  else if (type === "symlink") symlinkSync(target, path);
  else if (type === "hard-link") linkSync(join(context, target), path);
  else if (type === "fifo") run("mkfifo", path);
  else if (type === "character") run("mknod", path, "c", "1", "3");
  else if (type === "socket") makeSocket(path);
  else if (type === "archive")
    writeFileSync(path, packedArchive(file.entries ?? [], file.compression ?? "none").slice(0, file.cut));
  else if (file.size !== undefined) writeFileSync(path, new Uint8Array(file.size));
  else if (file.text !== undefined) writeFileSync(path, file.text);
  if (file.uid !== undefined || file.gid !== undefined)
    run("chown", "-h", `${file.uid ?? 0}:${file.gid ?? 0}`, path);
  // After the owner: a change of owner takes setuid away.
  if (type !== "symlink" && (file.mode || type === "folder" || file.text !== undefined))
    chmodSync(path, Number.parseInt(file.mode ?? (type === "folder" ? "755" : "644"), 8));
}

function setTime(path: string, seconds: number): void {
  lutimesSync(path, seconds, seconds);
}

/** A socket's file outlives nobody's listening only when it isn't closed in order, as Bun's own would be. */
function makeSocket(path: string): void {
  run(
    process.execPath,
    "-e",
    `Bun.listen({unix:${JSON.stringify(path)},socket:{data(){}}});process.kill(process.pid,"SIGKILL")`,
  );
  if (!existsSync(path)) throw new Error(`${path}: no socket was left`);
}

function run(...command: string[]): void {
  const { exitCode, signalCode, stderr } = Bun.spawnSync(command, { stderr: "pipe" });
  if (exitCode !== 0 && signalCode !== "SIGKILL") throw new Error(`${command.join(" ")}: ${stderr}`);
}

/** Takes a prepared folder away. */
export const removeContext = (folder: string): void => rmSync(folder, { recursive: true, force: true });
