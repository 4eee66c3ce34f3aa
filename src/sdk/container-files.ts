// The files of a container: what a path is, archives out and in, all of it as an archive (Engine API, tag Container).
import { type Connection, segment } from "./connection.ts";
import { SdkError } from "./errors.ts";
import { bytesOf } from "./streams.ts";

/** What a path of a container is, as Docker says it. */
export interface PathStat {
  /** The last name of the path that was asked for. */
  name: string;
  /** Bytes. */
  size: number;
  /** As Go's io/fs.FileMode: permission bits below, the kind of file above (see `isFolder`, `isLink`, `isDevice`). */
  mode: number;
  /** RFC 3339 with nanoseconds. */
  mtime: string;
  /** Where a symbolic link leads in the end, as an absolute path in the container; else empty. */
  linkTarget: string;
}

const MODE_FOLDER = 2 ** 31;
const MODE_LINK = 2 ** 27;
const MODE_DEVICE = 2 ** 26;
/** Bit by bit, since JavaScript's operators know 32 bits with a sign. */
const has = (mode: number, bit: number): boolean => Math.floor(mode / bit) % 2 === 1;
export const isFolder = ({ mode }: PathStat): boolean => has(mode, MODE_FOLDER);
export const isLink = ({ mode }: PathStat): boolean => has(mode, MODE_LINK);
export const isDevice = ({ mode }: PathStat): boolean => has(mode, MODE_DEVICE);

export interface WriteOptions {
  /** Refuses to put a folder in place of a file, and the other way round. */
  noOverwriteDirNonDir?: boolean;
  /** All files will be the container's user's, instead of the archive's owners'. */
  copyUIDGID?: boolean;
  signal?: AbortSignal;
}

/** Compression would cost more than the socket saves. */
export const PLAIN = { "Accept-Encoding": "identity" };

/** Files behind a name: a container's, or a volume's. */
export type FileStore = Pick<ContainerFiles, "stat" | "read" | "write">;

export class ContainerFiles {
  constructor(private readonly connection: Connection) {}

  /** Errors: SdkError of status 404 where there is no such path or container. */
  async stat(id: string, path: string, options: { signal?: AbortSignal } = {}): Promise<PathStat> {
    const response = await this.connection.request("HEAD", archiveOf(id), { query: { path }, ...options });
    await response.arrayBuffer();
    return statOf(response);
  }

  /**
   * A path as a tar archive: a folder with all that is below it, a link as itself. The archive comes as it is read; leaving it
   * early ends it on the daemon's side too.
   */
  async read(
    id: string,
    path: string,
    options: { signal?: AbortSignal } = {},
  ): Promise<{ stat: PathStat; archive: AsyncGenerator<Uint8Array> }> {
    const response = await this.connection.request("GET", archiveOf(id), {
      query: { path },
      headers: PLAIN,
      ...options,
    });
    return { stat: statOf(response), archive: bytesOf(response.body as ReadableStream<Uint8Array> | null) };
  }

  /** Unpacks a tar archive (plain, or compressed with gzip, bzip2, xz or zstd) into a folder of the container. */
  write(
    id: string,
    path: string,
    archive: ReadableStream<Uint8Array> | Uint8Array,
    { noOverwriteDirNonDir, copyUIDGID, signal }: WriteOptions = {},
  ): Promise<void> {
    return this.connection.done("PUT", archiveOf(id), {
      query: { path, noOverwriteDirNonDir, copyUIDGID },
      body: archive,
      ...(signal && { signal }),
    });
  }

  /** The container's file system as a tar archive, without its volumes. */
  export(id: string, options: { signal?: AbortSignal } = {}): Promise<AsyncGenerator<Uint8Array>> {
    return this.connection.bytes("GET", `/containers/${segment(id)}/export`, {
      headers: PLAIN,
      ...options,
    });
  }
}

const archiveOf = (id: string): string => `/containers/${segment(id)}/archive`;

export function statOf(response: Response): PathStat {
  const header = response.headers.get("x-docker-container-path-stat") ?? "";
  try {
    return JSON.parse(Buffer.from(header, "base64").toString()) as PathStat;
  } catch (cause) {
    throw new SdkError(
      "protocol",
      "unable to decode container path stat header: the daemon's answer has none",
      response.status,
      { cause },
    );
  }
}
