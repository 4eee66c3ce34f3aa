// `inspect`: whatever has the name: a container, an image, a network, a volume.
import { type Client, isNotFound, SdkError } from "../../sdk/index.ts";
import { command } from "../framework/command.ts";
import { fail } from "../framework/failure.ts";
import { flag } from "../framework/flags.ts";
import type { Session } from "../session.ts";
import { JSON_FORMAT } from "../usage-texts.ts";
import { inspectObjects } from "./inspect-objects.ts";

const KINDS = [
  "config",
  "container",
  "image",
  "network",
  "node",
  "plugin",
  "secret",
  "service",
  "task",
  "volume",
];

export default command({
  synopsis: "[OPTIONS] NAME|ID [NAME|ID...]",
  about: "Return low-level information on Docker objects",
  args: { atLeast: 1 },
  flags: {
    format: flag.string(JSON_FORMAT, { short: "f" }),
    size: flag.bool("Display total file sizes if the type is container", { short: "s" }),
    type: flag.string("Only inspect objects of the given type"),
  },
  async run(session, { args, flags, given }) {
    const choices = KINDS.map((kind) => `"${kind}"`).join(", ");
    if (given("type") && flags.type === "") throw fail(`type is empty: must be one of ${choices}`);
    if (flags.type && !KINDS.includes(flags.type)) {
      throw fail(`unknown type: ${JSON.stringify(flags.type)}: must be one of ${choices}`);
    }
    const client = await session.client();
    await inspectObjects(session, args, flags.format, (name) => find(session, client, name, flags));
  },
});

/** Where each kind of thing is asked for; the order in which a name without a kind is tried. */
const WAYS: Record<string, (client: Client, name: string, size: boolean) => Promise<unknown>> = {
  container: (client, name, size) => client.containers.inspect(name, { size }),
  image: (client, name) => client.images.inspect(name),
  network: (client, name) => client.networks.inspect(name),
  volume: (client, name) => client.volumes.inspect(name),
  plugin: (client, name) => client.connection.json("GET", `/plugins/${name}/json`),
};

/** Kinds of a cluster, which are asked for only where they are named. */
const CLUSTER: Record<string, string> = {
  service: "services",
  task: "tasks",
  node: "nodes",
  secret: "secrets",
  config: "configs",
};

async function find(session: Session, client: Client, name: string, flags: { type: string; size: boolean }) {
  if (flags.type) {
    const path = CLUSTER[flags.type];
    if (path) return client.connection.json("GET", `/${path}/${encodeURIComponent(name)}`);
    if (flags.size && flags.type !== "container")
      await session.err.line(`WARNING: --size ignored for ${flags.type}`);
    return WAYS[flags.type]?.(client, name, flags.size);
  }
  for (const [kind, ask] of Object.entries(WAYS)) {
    try {
      const object = await ask(client, name, flags.size);
      if (flags.size && kind !== "container") await session.err.line(`WARNING: --size ignored for ${kind}`);
      return object;
    } catch (thrown) {
      if (!canBeSomethingElse(thrown)) throw thrown;
    }
  }
  throw fail(`Error: No such object: ${name}`);
}

/** A name that this kind doesn't have, can't have, or that the daemon has no such kind for. */
function canBeSomethingElse(thrown: unknown): boolean {
  return (
    isNotFound(thrown) ||
    (thrown instanceof SdkError &&
      (thrown.status === 501 || /not supported|invalid reference format/.test(thrown.message)))
  );
}
