// Failpoints: named places between two durable steps where a test kills the process, to see that the next
// start finishes or undoes what was begun. They cost one comparison when none is armed.

/** Every failpoint there is; tests walk this list, so a new one is tested by being named here. */
export const FAILPOINTS = [
  "create.snapshot-prepared",
  "create.volumes-filled",
  "create.row-written",
  "network.created",
  "network.removed",
  "network.connect-stored",
  "network.device-made",
  "network.connect-plugged",
  "network.disconnect-stored",
  "start.network-allocated",
  "start.network-realised",
  "start.rootfs-mounted",
  "start.bundle-written",
  "start.shim-spawned",
  "start.runtime-created",
  "start.running-recorded",
  "exit.recorded",
  "exit.network-released",
  "exit.unmounted",
  "remove.marked",
  "remove.volumes-released",
  "remove.snapshot-removed",
  "remove.row-deleted",
  "commit.marked",
  "commit.frozen",
  "commit.paused",
  "commit.layer-stored",
  "commit.content-stored",
  "commit.image-recorded",
  "commit.resumed",
  "volume.filled",
  "volume.renamed",
  "update.intended",
  "update.applied",
  "update.recorded",
  "pull.lease-opened",
  "pull.blob-partial",
  "pull.blob-stored",
  "pull.layer-unpacked",
  "pull.layer-committed",
  "pull.image-recorded",
  "store.blob-renamed",
  "store.snapshot-numbered",
  "store.layer-settled",
  "store.snapshot-frozen",
  "store.removal-marked",
  "store.removal-emptied",
  "store.garbage-unlisted",
] as const;
export type Failpoint = (typeof FAILPOINTS)[number];

const armed = process.env.BERTH_FAILPOINT;

/** Kills this process without any clean-up when `BERTH_FAILPOINT` names this place. */
export function failpoint(name: Failpoint): void {
  if (armed === name) process.kill(process.pid, "SIGKILL");
}
