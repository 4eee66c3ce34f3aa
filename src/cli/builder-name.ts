// Which builder is meant. There is one a daemon, named as its context; buildx's others are not here.
import { fail } from "./framework/failure.ts";
import type { Session } from "./session.ts";

/** The name; `given` is `--builder`. Throws for a builder that isn't. */
export async function builderName(session: Session, given: string): Promise<string> {
  const own = await session.contextName();
  const asked = given || process.env.BUILDX_BUILDER || own;
  if (asked !== own && asked !== "default") throw fail(`ERROR: no builder ${JSON.stringify(asked)} found`);
  return own;
}
