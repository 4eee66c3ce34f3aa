// Gives back what no image needs any more; a failure is the next collection's business, not the caller's.
import { messageOf } from "../base/errors.ts";
import { log } from "../base/log.ts";
import type { GarbageReport } from "../store/types.ts";
import type { ImageContext } from "./context.ts";

export async function collectGarbage({ store }: ImageContext): Promise<GarbageReport> {
  try {
    return await store.collectGarbage();
  } catch (error) {
    log.warn("collecting garbage failed", { error: messageOf(error) });
    return { blobs: [], snapshots: [], freed: 0 };
  }
}
