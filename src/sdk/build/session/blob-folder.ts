// Blobs in a folder: `blobs/ALGORITHM/HEX`, as OCI's image layout has them; unfinished ones are in `ingest/`.
import { createHash } from "node:crypto";
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";

export interface BlobInfo {
  digest: string;
  /** Bytes. */
  size: number;
}

export interface BlobWriter {
  readonly offset: number;
  write(data: Uint8Array): Promise<void>;
  /** Puts it in its place and gives its digest; throws where digest or size are others than expected. */
  commit(expected: string, size: number): Promise<string>;
  /** Forgets what was not committed. */
  abandon(): Promise<void>;
}

export class BlobFolder {
  constructor(private readonly folder: string) {}

  /** Throws for what is no digest: it becomes a path. */
  #path(digest: string): string {
    const match = /^(sha256|sha512):([0-9a-f]{64,128})$/.exec(digest);
    if (!match) throw new Error(`invalid digest ${JSON.stringify(digest)}`);
    return join(this.folder, "blobs", match[1] ?? "", match[2] ?? "");
  }

  async info(digest: string): Promise<BlobInfo | undefined> {
    const found = await stat(this.#path(digest)).catch(() => undefined);
    return found?.isFile() ? { digest, size: found.size } : undefined;
  }

  async list(): Promise<BlobInfo[]> {
    const names = await readdir(join(this.folder, "blobs/sha256")).catch(() => []);
    const all = await Promise.all(names.map((name) => this.info(`sha256:${name}`).catch(() => undefined)));
    return all.filter((one) => one !== undefined);
  }

  read(digest: string, start: number, end: number): Promise<Uint8Array> {
    return Bun.file(this.#path(digest)).slice(start, end).bytes();
  }

  remove(digest: string): Promise<void> {
    return rm(this.#path(digest), { force: true });
  }

  async open(): Promise<BlobWriter> {
    const ingest = join(this.folder, "ingest");
    await mkdir(ingest, { recursive: true });
    const draft = join(ingest, crypto.randomUUID());
    let file: FileHandle | undefined = await open(draft, "wx");
    const hash = createHash("sha256");
    let offset = 0;
    return {
      get offset() {
        return offset;
      },
      async write(data) {
        await file?.write(data);
        hash.update(data);
        offset += data.length;
      },
      commit: async (expected, size) => {
        const digest = `sha256:${hash.digest("hex")}`;
        if (size > 0 && size !== offset)
          throw new Error(`unexpected commit size ${offset}, expected ${size}`);
        if (expected && expected !== digest)
          throw new Error(`unexpected commit digest ${digest}, expected ${expected}`);
        await file?.close();
        file = undefined;
        const path = this.#path(digest);
        await mkdir(join(path, ".."), { recursive: true });
        await rename(draft, path);
        return digest;
      },
      async abandon() {
        await file?.close();
        file = undefined;
        await rm(draft, { force: true });
      },
    };
  }
}
