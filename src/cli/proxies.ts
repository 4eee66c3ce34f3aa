// Proxies of config.json for a daemon: containers and builds get them.
import type { Session } from "./session.ts";

const NAMES = {
  httpProxy: "HTTP_PROXY",
  httpsProxy: "HTTPS_PROXY",
  ftpProxy: "FTP_PROXY",
  noProxy: "NO_PROXY",
  allProxy: "ALL_PROXY",
};

/** As variables, in both spellings. */
export async function proxyVariables(session: Session): Promise<Array<[name: string, value: string]>> {
  const { proxies } = await session.config();
  if (!proxies) return [];
  const settings = proxies[(await session.client()).host] ?? proxies.default ?? {};
  return Object.entries(NAMES).flatMap(([key, name]) => {
    const value = settings[key];
    return value ? [name, name.toLowerCase()].map((one): [string, string] => [one, value]) : [];
  });
}
