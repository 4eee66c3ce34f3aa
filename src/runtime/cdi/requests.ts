// From HostConfig.DeviceRequests (`--gpus`, `--device vendor.com/class=name`) to the names of CDI devices.
import type { DeviceRequest } from "../../api/types/index.ts";
import { invalid, systemError } from "../../base/errors.ts";
import { editsFor, joinEdits, readCdiDevices } from "./devices.ts";
import type { ContainerEdits } from "./types.ts";

/** Who serves `--gpus`: by the driver's name or by what it can; its devices are of this kind. */
const GPU_DRIVERS = [
  {
    names: ["nvidia", "nvidia.cdi"],
    capabilities: ["gpu", "nvidia", "compute", "compat32", "graphics", "utility", "video", "display"],
    kind: "nvidia.com/gpu",
  },
  { names: ["amd", "amd.cdi"], capabilities: ["gpu", "amd"], kind: "amd.com/gpu" },
];

/**
 * What the requests change in config.json; undefined where there are none. `folders`: empty where CDI is switched off.
 * Errors: invalid for a request that nobody serves; system for devices that no file has.
 */
export function editsForRequests(
  requests: readonly DeviceRequest[],
  folders: readonly string[],
): ContainerEdits | undefined {
  if (requests.length === 0) return undefined;
  return joinEdits(requests.map((request) => editsFor(namesOf(request, folders), folders)));
}

function namesOf(request: DeviceRequest, folders: readonly string[]): string[] {
  const { Driver: driver = "", Count: count = 0, DeviceIDs: ids = [], Options: options = {} } = request;
  if (driver === "cdi" && folders.length > 0) {
    if (count !== 0) throw invalid("unexpected count in CDI device request");
    if (Object.keys(options ?? {}).length > 0) throw invalid("unexpected options in CDI device request");
    return ids ?? [];
  }
  const kind = gpuKind(request, folders);
  if (!kind) throw notSelected(request);
  if (count !== 0 && (ids ?? []).length > 0)
    throw systemError("cannot set both Count and DeviceIDs on device request");
  const wanted =
    (ids ?? []).length > 0
      ? (ids ?? [])
      : count < 0
        ? ["all"]
        : Array.from({ length: count }, (_, number) => String(number));
  return wanted.map((id) => (id.includes("=") ? id : `${kind}=${id}`));
}

/** The first driver that serves the request and has devices on this host. */
function gpuKind(
  { Driver: driver = "", Capabilities: asked = [] }: DeviceRequest,
  folders: readonly string[],
): string | undefined {
  const fitting = GPU_DRIVERS.filter(({ names, capabilities }) =>
    driver !== ""
      ? names.includes(driver)
      : (asked ?? []).some((all) => all.length > 0 && all.every((each) => capabilities.includes(each))),
  );
  if (fitting.length === 0) return undefined;
  const there = [...readCdiDevices(folders).devices.keys()];
  return fitting.find(({ kind }) => there.some((name) => name.startsWith(`${kind}=`)))?.kind;
}

/** Docker's words, with its way of printing lists. */
const notSelected = ({ Driver: driver = "", Capabilities: asked = [] }: DeviceRequest) =>
  invalid(
    `could not select device driver ${JSON.stringify(driver)} with capabilities: [${(asked ?? []).map((all) => `[${all.join(" ")}]`).join(" ")}]`,
  );
