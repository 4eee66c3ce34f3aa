// Pushes by the daemon's image API: where images aren't kept as they come its builder has no push of its own.
import type { Connection } from "../connection.ts";
import { SdkError } from "../errors.ts";
import { Images } from "../images.ts";
import type { BuildSpec } from "./types.ts";

const HUB = "registry-1.docker.io";

/** The registry's host that a name leads to; Docker Hub's where it names none. */
function hostOf(name: string): string {
  const [first = "", ...rest] = name.split("/");
  const isHost = rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
  return isHost ? first : HUB;
}

/** One after the other. Throws with the daemon's words where one fails. */
export async function pushImages(
  connection: Connection,
  names: string[],
  credentials: BuildSpec["credentials"],
): Promise<void> {
  const images = new Images(connection);
  for (const name of names) {
    const colon = name.lastIndexOf(":");
    const hasTag = colon > name.lastIndexOf("/");
    const messages = await images.push(hasTag ? name.slice(0, colon) : name, {
      tag: hasTag ? name.slice(colon + 1) : "latest",
      auth: await credentials?.(hostOf(name)),
    });
    for await (const { error, errorDetail } of messages) {
      const problem = errorDetail?.message ?? error;
      if (problem) throw new SdkError("daemon", problem, 500);
    }
  }
}
