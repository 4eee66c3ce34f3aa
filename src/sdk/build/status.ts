// What the daemon tells of a build while it runs.
import { type Client, ConnectError } from "@connectrpc/connect";
import type { Control } from "../../buildkit/messages/control_pb.ts";
import { eventOf } from "./events.ts";
import type { BuildEvent } from "./types.ts";

/** What happens, until the daemon says that it was all. Its end is no error: the result says how the build went. */
export async function follow(
  control: Client<typeof Control>,
  ref: string,
  signal: AbortSignal,
  onEvent: (event: BuildEvent) => void = () => {},
): Promise<void> {
  try {
    for await (const response of control.status({ ref }, { signal })) onEvent(eventOf(response));
  } catch (thrown) {
    if (!(thrown instanceof ConnectError)) throw thrown;
  }
}
