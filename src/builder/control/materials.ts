// What a build was made of, for its provenance.
import type { BaseImage } from "../types.ts";

export class Materials {
  readonly images = new Map<string, BaseImage>();
  readonly remotes = new Map<string, Record<string, string>>();

  image(reference: string, image: BaseImage): void {
    this.images.set(reference, image);
  }

  remote(uri: string, digest: Record<string, string>): void {
    this.remotes.set(uri, digest);
  }
}
