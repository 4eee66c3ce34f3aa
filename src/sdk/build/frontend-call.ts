// Questions to a frontend instead of a build (`--check`, `--call=outline`): only what drives a build itself is given
// a result's metadata, so the client is, for one request, what buildx is for all.
import { type Bridge, drive } from "./drive.ts";

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
export function callFrontend(
  bridge: Bridge,
  { frontend, attributes, call, ...build }: FrontendCall,
): Promise<Record<string, string>> {
  const capabilities = [attributes["frontend.caps"], SUBREQUESTS].filter(Boolean).join(",");
  return drive(bridge, build, async (options) => {
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
  });
}
