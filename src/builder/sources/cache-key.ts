// What goes wrong while a source is asked what it is, in BuildKit's words (solver/edge.go has them).
import { BerthError } from "../../base/errors.ts";
import { wordsOf } from "../solver/errors.ts";

/** Errors: those of the work, "failed to load cache key: " before their words; that it was cancelled, as it is. */
export async function cacheKey<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof Error && thrown.name === "AbortError") throw thrown;
    const kind = thrown instanceof BerthError ? thrown.kind : "system";
    throw new BerthError(kind, `failed to load cache key: ${wordsOf(thrown)}`, { cause: thrown });
  }
}
