// What the devices that a container asks for (`--device vendor.com/class=name`, `--gpus`) change in its config.json.
import { notImplemented } from "../base/errors.ts";
import type { ContainerRecord } from "../containers/types.ts";
import { editsForRequests, movesNetDevices } from "../runtime/index.ts";
import type { BundleInput } from "../runtime/types.ts";
import type { Engine } from "./types.ts";

/** Looked up at each start, as in Docker: a driver may have come since. Errors: invalid, system, in Docker's words. */
export async function deviceEdits(
  engine: Engine,
  { hostConfig }: ContainerRecord,
  runtime: string,
): Promise<BundleInput["edits"]> {
  const edits = editsForRequests(hostConfig.DeviceRequests ?? [], engine.config.cdiSpecDirs);
  if ((edits?.netDevices ?? []).length > 0 && !(await movesNetDevices(runtime)))
    throw notImplemented(
      `CDI device injection failed: the runtime ${runtime} can't move network devices (netDevices): install one that can`,
    );
  return edits;
}
