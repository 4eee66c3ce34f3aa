// The files of volumes: as archives, by path, copied; and who uses them. Berth's daemon serves this; Docker's has nothing like it.
import type { Volume } from "../api/types/index.ts";
import { type Connection, encodeFilters, type Filters, segment } from "./connection.ts";
import { type PathStat, PLAIN, statOf, type WriteOptions } from "./container-files.ts";
import { askBerth } from "./own-paths.ts";
import { bytesOf } from "./streams.ts";
import type { RequestOptions } from "./transport.ts";

/** A volume with what is known of its use. */
export type UsedVolume = Volume & {
  UsageData: { /** Bytes; -1: nobody knows, or asked */ Size: number; RefCount: number };
  /** Names of containers; of other uses, what they are. */
  UsedBy: string[];
};

interface MakeOptions {
  labels?: Record<string, string>;
  signal?: AbortSignal;
}

export class VolumeFiles {
  constructor(private readonly connection: Connection) {}

  /** All of a volume as a tar archive, its own folder as the first entry. */
  async export(name: string, options: { signal?: AbortSignal } = {}): Promise<AsyncGenerator<Uint8Array>> {
    return bodyOf(await this.#ask("GET", `archives/${named(name)}`, { headers: PLAIN, ...options }));
  }

  /**
   * Makes a volume of a tar archive (plain, or compressed with gzip, bzip2, xz or zstd), or fills an empty one that nobody uses. It is
   * there when it is whole, or not at all.
   */
  async import(
    name: string,
    archive: ReadableStream<Uint8Array> | Uint8Array | Blob,
    { labels, signal }: MakeOptions = {},
  ): Promise<Volume> {
    const query = { labels: labels && JSON.stringify(labels) };
    const options = { query, body: archive, ...(signal && { signal }) };
    return (await (await this.#ask("PUT", `archives/${named(name)}`, options)).json()) as Volume;
  }

  /** Copies a volume with its labels, and more; as `import`, whole or not at all. */
  async clone(source: string, name: string, { labels, signal }: MakeOptions = {}): Promise<Volume> {
    const query = { from: source, labels: labels && JSON.stringify(labels) };
    const options = { query, ...(signal && { signal }) };
    return (await (await this.#ask("POST", `clones/${named(name)}`, options)).json()) as Volume;
  }

  /** Volumes with who uses them; `size`: with their bytes, which are counted for it. */
  async list(
    filters?: Filters,
    { size = false }: { size?: boolean } = {},
  ): Promise<{ Volumes: UsedVolume[]; Warnings: string[] | null }> {
    const answer = await this.#ask("GET", "", { query: { filters: encodeFilters(filters), size } });
    return (await answer.json()) as { Volumes: UsedVolume[]; Warnings: string[] | null };
  }

  /** Errors: SdkError of status 404 where there is no such path or volume. */
  async stat(name: string, path: string, options: { signal?: AbortSignal } = {}): Promise<PathStat> {
    const response = await this.#ask("HEAD", `files/${named(name)}`, { query: { path }, ...options });
    await response.arrayBuffer();
    return statOf(response);
  }

  /** A path as a tar archive, as of a container. */
  async read(
    name: string,
    path: string,
    options: { signal?: AbortSignal } = {},
  ): Promise<{ stat: PathStat; archive: AsyncGenerator<Uint8Array> }> {
    const asked = { query: { path }, headers: PLAIN, ...options };
    const response = await this.#ask("GET", `files/${named(name)}`, asked);
    return { stat: statOf(response), archive: bodyOf(response) };
  }

  /** Unpacks a tar archive into a folder of the volume. */
  async write(
    name: string,
    path: string,
    archive: ReadableStream<Uint8Array> | Uint8Array,
    { noOverwriteDirNonDir, signal }: WriteOptions = {},
  ): Promise<void> {
    const options = { query: { path, noOverwriteDirNonDir }, body: archive, ...(signal && { signal }) };
    await (await this.#ask("PUT", `files/${named(name)}`, options)).arrayBuffer();
  }

  #ask(method: string, rest: string, options: RequestOptions): Promise<Response> {
    const path = `/berth/volumes${rest && `/${rest}`}`;
    return askBerth(this.connection, "has no archives of volumes", method, path, options);
  }
}

const named = (name: string): string => segment(name, "volume");
const bodyOf = (response: Response): AsyncGenerator<Uint8Array> =>
  bytesOf(response.body as ReadableStream<Uint8Array> | null);
