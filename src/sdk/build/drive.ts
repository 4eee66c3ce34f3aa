// A build that the client drives over the bridge, for what a build by one request can't give: a result's metadata, or the result
// itself (BuildKit frontend/gateway).
import type { Client } from "@connectrpc/connect";
import type { LLBBridge } from "../../buildkit/messages/gateway_pb.ts";

export type Bridge = Client<typeof LLBBridge>;

export interface CallOptions {
  signal?: AbortSignal;
  headers: Record<string, string>;
}

/** `work` solves, and returns the result to the daemon. When it throws the daemon is told, which ends the build, and so does this. */
export async function drive<T>(
  bridge: Bridge,
  { ref, signal }: { ref: string; signal?: AbortSignal },
  work: (options: CallOptions) => Promise<T>,
): Promise<T> {
  const options = { signal, headers: { "buildkit-controlapi-buildid": ref } };
  await bridge.ping({}, options);
  try {
    return await work(options);
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    await bridge.return({ error: { code: 2, message } }, options).catch(() => {});
    throw thrown;
  }
}
