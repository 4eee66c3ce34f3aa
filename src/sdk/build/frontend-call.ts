// Questions to a frontend instead of a build (`--check`, `--call=outline`): only what drives a build itself is given
// a result's metadata, so the client is, for one request, what buildx is for all (BuildKit frontend/gateway).
import type { Client } from "@connectrpc/connect";
import type { LLBBridge } from "../../buildkit/messages/gateway_pb.ts";

const SUBREQUESTS = "moby.buildkit.frontend.subrequests+forward";

export interface FrontendCall {
  ref: string;
  frontend: string;
  attributes: Record<string, string>;
  /** `lint`, `outline`, `targets`. */
  call: string;
  signal?: AbortSignal;
}

/** The answer's parts by name: `result.json`, `result.txt`, `result.statuscode`, `version`. */
export async function callFrontend(
  bridge: Client<typeof LLBBridge>,
  { ref, frontend, attributes, call, signal }: FrontendCall,
): Promise<Record<string, string>> {
  const options = { signal, headers: { "buildkit-controlapi-buildid": ref } };
  await bridge.ping({}, options);
  const capabilities = [attributes["frontend.caps"], SUBREQUESTS].filter(Boolean).join(",");
  try {
    const { result } = await bridge.solve(
      {
        frontend,
        frontendOpt: { ...attributes, "frontend.caps": capabilities, requestid: `frontend.${call}` },
        allowResultReturn: true,
        allowResultArrayRef: true,
      },
      options,
    );
    await bridge.return({ result: { result: { case: "ref", value: {} } } }, options);
    const metadata = Object.entries(result?.metadata ?? {});
    return Object.fromEntries(metadata.map(([key, value]) => [key, Buffer.from(value).toString()]));
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    // So that the daemon ends the build; the answer is the error that is thrown here.
    await bridge.return({ error: { code: 2, message } }, options).catch(() => {});
    throw thrown;
  }
}
