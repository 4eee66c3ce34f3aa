// The contents of a container's /etc/hosts, as libnetwork's etchosts writes them: hosts(5).
import { invalid } from "../base/errors.ts";
import { tryParseAddress } from "../linux/ip-address.ts";

const IPV4 = "127.0.0.1\tlocalhost\n";
const IPV6 =
  "::1\tlocalhost ip6-localhost ip6-loopback\n" +
  "fe00::\tip6-localnet\n" +
  "ff00::\tip6-mcastprefix\n" +
  "ff02::1\tip6-allnodes\n" +
  "ff02::2\tip6-allrouters\n";

/** Docker's refusal of a malformed `--add-host`. */
export function checkExtraHost(text: string): void {
  const colon = text.indexOf(":");
  if (colon <= 0) throw invalid(`bad format for add-host: ${JSON.stringify(text)}`);
  const ip = text.slice(colon + 1);
  if (ip !== "host-gateway" && !tryParseAddress(ip))
    throw invalid(`invalid IP address in add-host: ${JSON.stringify(ip)}`);
}

/**
 * @param addresses the container's own, each gets a line with its names
 * @param gateways what `host-gateway` stands for
 */
export function hostsFile(options: {
  hostname: string;
  domainname?: string;
  extraHosts: readonly string[];
  addresses: readonly string[];
  gateways: readonly string[];
}): string {
  let text = IPV4 + IPV6;
  for (const line of extraLines(options.extraHosts, options.gateways)) text += line;
  const full = options.domainname ? `${options.hostname}.${options.domainname}` : options.hostname;
  const dot = full.indexOf(".");
  const names = dot > 0 ? `${full} ${full.slice(0, dot)}` : full;
  for (const address of options.addresses) text += `${address}\t${names}\n`;
  return text;
}

function extraLines(extraHosts: readonly string[], gateways: readonly string[]): string[] {
  return extraHosts.flatMap((extra) => {
    checkExtraHost(extra);
    const colon = extra.indexOf(":");
    const [name, ip] = [extra.slice(0, colon), extra.slice(colon + 1)];
    if (ip !== "host-gateway") return [`${ip}\t${name}\n`];
    if (gateways.length === 0) throw invalid("unable to derive the IP value for host-gateway");
    return gateways.map((gateway) => `${gateway}\t${name}\n`);
  });
}
