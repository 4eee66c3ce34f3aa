// What a daemon's builder is able to, by what its workers say of themselves.
const LABEL = "org.mobyproject.buildkit.worker.";

/** What decides about a build's request (docker/buildx driver/docker). */
export interface BuilderAbilities {
  /** Images are kept as they come: several platforms, attestations, archives of images, cache exports, pushes by the builder. */
  imageStore: boolean;
  /** The address that `host-gateway` stands for. */
  hostGateway: string | undefined;
}

export function abilitiesOf(workers: readonly { labels: Record<string, string> }[]): BuilderAbilities {
  const label = (name: string) => workers.map(({ labels }) => labels[LABEL + name]).find(Boolean);
  return { imageStore: label("snapshotter") !== undefined, hostGateway: label("moby.host-gateway-ip") };
}
