// Asks for each image once a build, however many stages, platforms and copies name it.
import type { FrontendBridge, ResolvedConfig, ResolveImageOptions } from "../../frontend.ts";

export type ImageResolver = (reference: string, options: ResolveImageOptions) => Promise<ResolvedConfig>;

/** Those who ask for the same at once, or again, get one answer; an error too. */
export function imageResolver(bridge: FrontendBridge): ImageResolver {
  const asked = new Map<string, Promise<ResolvedConfig>>();
  return (reference, options) => {
    const key = JSON.stringify([reference, options]);
    const known = asked.get(key) ?? bridge.resolveImage(reference, options);
    asked.set(key, known);
    return known;
  };
}
