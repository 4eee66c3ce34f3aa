// The image that the benchmarks run, the same for both engines.
import type { Setting } from "./benchmarks.ts";
import { timeProcess } from "./measure.ts";

/** A peer without a registry gets the same busybox as ours: what our `save` writes, it loads. */
export async function giveBusybox({ ours, peer }: Setting): Promise<void> {
  await timeProcess([ours.cli, "pull", "busybox"], ours.environment);
  if (!peer) return;
  const file = `${ours.execRoot}/busybox.tar`;
  await timeProcess([ours.cli, "save", "-o", file, "busybox"], ours.environment);
  await timeProcess([peer.cli, "load", "-i", file], peer.environment);
}
