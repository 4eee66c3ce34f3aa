// The size of a container's terminal.
import { notRunning } from "./kill.ts";
import type { ContainerRecord, Containers } from "./types.ts";

export async function resize(
  containers: Containers,
  record: ContainerRecord,
  rows: number,
  columns: number,
): Promise<void> {
  const shim = containers.shims.get(record.id);
  if (!shim || (record.state.status !== "running" && record.state.status !== "paused"))
    throw notRunning(record.id);
  // Docker takes it for a container without a terminal too: a client needn't know.
  if (record.config.Tty) await shim.resize(rows, columns);
  containers.emit(record, "resize", { height: String(rows), width: String(columns) });
}
