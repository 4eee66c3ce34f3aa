// Kernel settings of one endpoint's device (`--network name=…,driver-opt=com.docker.network.endpoint.sysctls=…`): as
// libnetwork reads them (netlabel.EndpointSysctls), `net.ipv4.conf.IFNAME.log_martians=1,…`.
import { readFileSync, writeFileSync } from "node:fs";
import type { EndpointSettings } from "../api/types/index.ts";
import { invalid, messageOf } from "../base/errors.ts";

const OPTION = "com.docker.network.endpoint.sysctls";
/** The clients write options in lower case. */
const FORM = /^net\.(ipv4|ipv6|mpls)\.([a-z0-9_]+)\.ifname\.([a-z0-9_]+)=(.*)$/i;

interface Sysctl {
  /** Below /proc/sys/net, with the device's name left open. */
  path: (device: string) => string;
  value: string;
  text: string;
}

const textsOf = (settings: EndpointSettings | undefined): string[] =>
  settings?.DriverOpts?.[OPTION]?.split(",") ?? [];

/** What is wrong with them, in Docker's words. */
export const sysctlProblems = (settings: EndpointSettings | undefined): string[] =>
  textsOf(settings)
    .filter((text) => !FORM.test(text))
    .map(
      (text) =>
        `unrecognised network interface sysctl '${text}'; represent 'net.X.Y.ethN.Z=V' as 'net.X.Y.IFNAME.Z=V', 'X' must be 'ipv4', 'ipv6' or 'mpls'`,
    );

function parse(settings: EndpointSettings | undefined): Sysctl[] {
  return textsOf(settings).flatMap((text) => {
    const [, family, group, key, value = ""] = FORM.exec(text) ?? [];
    if (!family || !group || !key) return [];
    const [from, to] = [`${family}/${group}`.toLowerCase(), key.toLowerCase()];
    return [{ path: (device: string) => `${from}/${device}/${to}`, value, text }];
  });
}

/** Writes them, in the thread's present network namespace: that is whose /proc/sys/net it sees. Errors: invalid. */
export function applySysctls(settings: EndpointSettings | undefined, device: string): void {
  for (const { path, value, text } of parse(settings)) {
    const file = `/proc/sys/net/${path(device)}`;
    try {
      readFileSync(file); // One that isn't there is not made.
      writeFileSync(file, value);
    } catch (thrown) {
      throw invalid(`failed to set sysctl '${text}' on ${device}: ${messageOf(thrown)}`, thrown);
    }
  }
}
