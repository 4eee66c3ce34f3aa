// Which version of the CDI specification a document needs: each later one allows more.
import type { RawSpec } from "./parse.ts";

/** Released versions, oldest first. */
export const VERSIONS = [
  "0.1.0",
  "0.2.0",
  "0.3.0",
  "0.4.0",
  "0.5.0",
  "0.6.0",
  "0.7.0",
  "0.8.0",
  "1.0.0",
  "1.1.0",
];

/** The oldest version that has all that is used; 0.3.0 is the first with today's form. */
export function requiredVersion({
  kind = "",
  annotations,
  devices = [],
  containerEdits = {},
}: RawSpec): string {
  const edits = [containerEdits, ...devices.map((device) => device.containerEdits ?? {})];
  const some = (test: (edit: (typeof edits)[number]) => boolean | undefined) => edits.some(test);
  if (
    some(
      ({ netDevices, intelRdt }) =>
        (netDevices ?? []).length > 0 || Boolean(intelRdt?.schemata?.length || intelRdt?.enableMonitoring),
    )
  )
    return "1.1.0";
  if (some(({ intelRdt, additionalGids }) => intelRdt !== undefined || (additionalGids ?? []).length > 0))
    return "0.7.0";
  const slash = kind.indexOf("/");
  if (
    Object.keys(annotations ?? {}).length > 0 ||
    devices.some((device) => Object.keys(device.annotations ?? {}).length > 0) ||
    (slash >= 0 && kind.slice(slash + 1).includes("."))
  )
    return "0.6.0";
  if (
    devices.some(({ name = "" }) => /^[0-9]/.test(name)) ||
    some(({ deviceNodes }) => deviceNodes?.some(({ hostPath }) => Boolean(hostPath)))
  )
    return "0.5.0";
  if (some(({ mounts }) => mounts?.some(({ type }) => Boolean(type)))) return "0.4.0";
  return "0.3.0";
}
