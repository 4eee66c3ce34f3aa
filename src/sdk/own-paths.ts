// Paths that Berth's daemon serves beyond Docker's API: asked of another daemon, the error says so.
import type { Connection } from "./connection.ts";
import { SdkError } from "./errors.ts";
import type { RequestOptions } from "./transport.ts";

/** `what` it is for, in the error: "has no way to registries". */
export async function askBerth(
  connection: Connection,
  what: string,
  method: string,
  path: string,
  options: RequestOptions,
): Promise<Response> {
  try {
    return await connection.request(method, path, options);
  } catch (thrown) {
    // What a daemon's router says of a path that it doesn't know; to HEAD nobody says anything.
    const unknown = thrown instanceof SdkError && /^(?:404 )?page not found$/.test(thrown.message);
    if (!unknown) throw thrown;
    const message = `the daemon at ${connection.endpoint.host} ${what} for this (${method} ${path.split("/").slice(0, 4).join("/")}): it is not Berth's, or an older one`;
    throw new SdkError("daemon", message, thrown.status, { cause: thrown });
  }
}
