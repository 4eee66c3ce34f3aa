// A build's files into a folder of this host (`--output type=local`). They become the caller's own; what is there
// besides stays. A name is never followed where it is a link: what the build sends decides about all below the folder.
import {
  chmodSync,
  closeSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { fileErrorText } from "../../../base/file-error.ts";
import { type FileStat, type FileWriter, MODE, type Sink } from "../../../buildkit/file-sync/index.ts";

export class FolderSink implements Sink {
  constructor(private readonly folder: string) {
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
    } catch (thrown) {
      throw new Error(`failed to create synctarget dest dir ${folder}: ${fileErrorText(thrown)}`, {
        cause: thrown,
      });
    }
  }

  directory(stat: FileStat): void {
    const path = this.#path(stat.path);
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found && !found.isDirectory()) rmSync(path);
    if (!found?.isDirectory()) mkdirSync(path);
    chmodSync(path, permissions(stat));
  }

  symlink(stat: FileStat): void {
    const path = this.#cleared(stat);
    symlinkSync(Buffer.from(stat.linkname, "latin1"), path);
    const time = seconds(stat);
    lutimesSync(path, time, time);
  }

  hardLink(stat: FileStat): void {
    linkSync(this.#path(stat.linkname), this.#cleared(stat));
  }

  node(stat: FileStat): void {
    throw new Error(`can't make the device or fifo ${JSON.stringify(text(stat.path))} in ${this.folder}`);
  }

  open(stat: FileStat): FileWriter {
    const path = this.#path(stat.path);
    // Beside its place until it is whole: an interrupted build leaves the file of the one before.
    const draft = Buffer.concat([Buffer.from(path), Buffer.from(`.${crypto.randomUUID()}`)]);
    const fd = openSync(draft, "wx", 0o600);
    return {
      write(bytes) {
        for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
      },
      close: () => {
        closeSync(fd);
        chmodSync(draft, permissions(stat));
        const time = seconds(stat);
        utimesSync(draft, time, time);
        const found = lstatSync(path, { throwIfNoEntry: false });
        if (found?.isDirectory()) rmSync(path, { recursive: true });
        renameSync(draft, path);
      },
      abandon() {
        closeSync(fd);
        rmSync(draft, { force: true });
      },
    };
  }

  /** Nothing of an earlier build is known here, so nothing is ever taken away. */
  remove(): void {}

  finish(folders: readonly FileStat[]): void {
    for (const stat of folders) {
      const time = seconds(stat);
      utimesSync(this.#path(stat.path), time, time);
    }
  }

  #path(path: string): Buffer {
    return Buffer.concat([Buffer.from(join(this.folder, "/")), Buffer.from(path, "latin1")]);
  }

  #cleared(stat: FileStat): Buffer {
    const path = this.#path(stat.path);
    rmSync(path, { recursive: true, force: true });
    return path;
  }
}

const text = (path: string) => Buffer.from(path, "latin1").toString();
const seconds = ({ modTime }: FileStat) => Number(modTime) / 1e9;

function permissions({ mode }: FileStat): number {
  const special =
    (mode & MODE.setuid ? 0o4000 : 0) | (mode & MODE.setgid ? 0o2000 : 0) | (mode & MODE.sticky ? 0o1000 : 0);
  return (mode & MODE.permissions) | special;
}
