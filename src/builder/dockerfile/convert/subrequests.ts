// What a client may ask a Dockerfile instead of building it.
import { invalid } from "../../../base/errors.ts";
import type { Platform } from "../../../oci/types.ts";
import type { FrontendAnswer } from "../../frontend.ts";
import type { ClientFiles } from "./context.ts";
import type { Converted, ConvertRequest } from "./convert.ts";
import type { BuildOptions } from "./options.ts";

export type Convert = (platform: Platform | undefined, extra?: Partial<ConvertRequest>) => Promise<Converted>;

/** undefined: a build is asked for. Errors: invalid, for an unknown request. */
export async function answerSubrequest(
  { raw }: BuildOptions,
  _files: ClientFiles,
  _convert: Convert,
): Promise<FrontendAnswer | undefined> {
  const name = raw.get("requestid");
  if (name === undefined) return undefined;
  throw invalid(`unsupported request ${name}`);
}
