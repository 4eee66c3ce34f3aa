// `--use-api-socket`: the daemon's socket in the container, and with it what the person has to log in to registries, so
// that a client in there can do what the person can.
import { END_OF_ARCHIVE, encodeEntry, paddingOf } from "../archive/index.ts";
import type { Client, ContainerSpec } from "../sdk/index.ts";
import { allAuths } from "./credentials.ts";
import type { Session } from "./session.ts";

/** Where clients look for a daemon. */
const SOCKET = "/var/run/docker.sock";
/** The folder of the container's config.json. */
const CONFIG = "/run/secrets/docker";

/** Adds it to the spec; gives what is to be done once the container is made. */
export async function addApiSocket(
  session: Session,
  client: Client,
  spec: ContainerSpec,
): Promise<(id: string) => Promise<void>> {
  const { endpoint } = client.connection;
  // On another host we don't know where the daemon listens: Docker's usual place, as Docker's client takes it.
  const source = endpoint.kind === "unix" ? endpoint.path : SOCKET;
  spec.HostConfig ??= {};
  spec.HostConfig.Mounts = [
    ...(spec.HostConfig.Mounts ?? []),
    { Type: "bind", Source: source, Target: SOCKET, BindOptions: {} },
  ];
  // Who names a configuration of the container's own has thought of it.
  if (spec.Env?.some((pair) => pair.startsWith("DOCKER_CONFIG="))) return async () => {};
  const auths = await allAuths(session).catch((thrown: unknown) => {
    throw new Error(`resolving credentials failed: ${thrown instanceof Error ? thrown.message : thrown}`);
  });
  if (Object.keys(auths).length === 0) return async () => {};
  spec.Env = [...(spec.Env ?? []), `DOCKER_CONFIG=${CONFIG}`];
  const config = Buffer.from(JSON.stringify({ auths }, null, "\t"));
  return async (id) => {
    await client.containers.files.write(id, "/", archiveOf(`${CONFIG}/config.json`, config));
  };
}

/** One file, for its owner alone. */
function archiveOf(path: string, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const header = encodeEntry({
    name: path.slice(1),
    type: "file",
    mode: 0o600,
    uid: 0,
    gid: 0,
    size: bytes.length,
    modified: { seconds: Math.floor(Date.now() / 1000), nanoseconds: 0 },
    linkName: "",
    major: 0,
    minor: 0,
  });
  return new Uint8Array(
    Buffer.concat([header, bytes, Buffer.alloc(paddingOf(bytes.length)), END_OF_ARCHIVE]),
  );
}
