// What registries hold, asked through the daemon: manifests, small blobs, copies between repositories. Berth's daemon serves this;
// Docker's has nothing like it.
import type { Connection } from "./connection.ts";
import { SdkError } from "./errors.ts";
import { encodeAuth, imagePath, type RegistryAuth } from "./images.ts";
import { askBerth } from "./own-paths.ts";
import { brokenOff } from "./streams.ts";
import type { RequestOptions } from "./transport.ts";

export interface RegistryManifest {
  mediaType: string;
  /** Of the bytes. */
  digest: string;
  bytes: Uint8Array;
}

interface RegistryOptions {
  auth?: RegistryAuth;
  signal?: AbortSignal;
}

/** Names are images' with a tag (default `latest`) or a digest; a blob's name has its digest. */
export class Registry {
  constructor(private readonly connection: Connection) {}

  /** A manifest or index as its registry has it. Throws an SdkError of status 404 where there is none. */
  async manifest(name: string, { auth, signal }: RegistryOptions = {}): Promise<RegistryManifest> {
    const path = `/berth/registry/manifests/${imagePath(name)}`;
    const response = await this.#ask("GET", path, { headers: encodeAuth(auth), signal });
    const bytes = await bytesOf(response);
    const digest = digestOf(bytes, response.headers.get("docker-content-digest") ?? "sha256:");
    this.#check(digest, response.headers.get("docker-content-digest") ?? "");
    return { mediaType: response.headers.get("content-type") ?? "", digest, bytes };
  }

  /** Puts a manifest or index under a tag or its digest. */
  async putManifest(
    name: string,
    { mediaType, bytes, auth, signal }: RegistryOptions & Omit<RegistryManifest, "digest">,
  ): Promise<void> {
    const headers = { ...encodeAuth(auth), "Content-Type": mediaType };
    const path = `/berth/registry/manifests/${imagePath(name)}`;
    const response = await this.#ask("PUT", path, { headers, body: bytes, signal });
    await response.arrayBuffer();
  }

  /** A config or another small blob, at most 64 MiB. */
  async blob(name: string, { auth, signal }: RegistryOptions = {}): Promise<Uint8Array> {
    const path = `/berth/registry/blobs/${imagePath(name)}`;
    const response = await this.#ask("GET", path, { headers: encodeAuth(auth), signal });
    const bytes = await bytesOf(response);
    const [, asked = ""] = name.split("@");
    this.#check(digestOf(bytes, asked), asked);
    return bytes;
  }

  /** Copies a manifest (a name with its digest) and all it names to another repository. `auths`: credentials by host. */
  async copy(
    from: string,
    to: string,
    { auths = {}, signal }: { auths?: Record<string, RegistryAuth>; signal?: AbortSignal } = {},
  ): Promise<void> {
    const headers = { "X-Registry-Config": Buffer.from(JSON.stringify(auths)).toString("base64url") };
    const path = `/berth/registry/copies/${imagePath(to)}`;
    const response = await this.#ask("POST", path, { query: { from }, headers, signal });
    await response.arrayBuffer();
  }

  #check(digest: string, expected: string): void {
    if (digest !== expected)
      throw new SdkError("protocol", `unexpected digest ${digest} of what was to be ${expected}`);
  }

  #ask(method: string, path: string, options: RequestOptions): Promise<Response> {
    return askBerth(this.connection, "has no way to registries", method, path, options);
  }
}

async function bytesOf(response: Response): Promise<Uint8Array> {
  try {
    return new Uint8Array(await response.arrayBuffer());
  } catch (thrown) {
    throw brokenOff(thrown);
  }
}

function digestOf(bytes: Uint8Array, like: string): string {
  const algorithm = like.startsWith("sha512:") ? "sha512" : "sha256";
  return `${algorithm}:${new Bun.CryptoHasher(algorithm).update(bytes).digest("hex")}`;
}
