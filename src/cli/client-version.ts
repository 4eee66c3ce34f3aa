// What this client is, as `version` and `info` show it.
import { COMMIT, COMMITTED, VERSION } from "../base/build.ts";
import { API_VERSION } from "../sdk/index.ts";

export interface ClientVersion {
  Version: string;
  ApiVersion?: string;
  DefaultAPIVersion: string;
  GitCommit: string;
  GoVersion: string;
  Os: string;
  Arch: string;
  BuildTime: string;
  Context: string;
}

/** `apiVersion`: what was agreed on with the daemon, where one was asked. */
export function clientVersion(context: string, apiVersion?: string): ClientVersion {
  return {
    Version: VERSION,
    ...(apiVersion === undefined ? {} : { ApiVersion: apiVersion }),
    DefaultAPIVersion: API_VERSION,
    GitCommit: COMMIT,
    GoVersion: `bun${Bun.version}`,
    Os: "linux",
    Arch: process.arch === "x64" ? "amd64" : process.arch,
    BuildTime: COMMITTED ? asctime(COMMITTED) : "",
    Context: context,
  };
}

/** A time of the API as C's asctime prints it, which people read more easily. */
export function asctime(text: string): string {
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) return text;
  const [week = "", day = "", month = "", year = "", time = ""] = date
    .toUTCString()
    .replace(",", "")
    .split(" ");
  return `${week} ${month} ${day.replace(/^0/, " ")} ${time} ${year}`;
}
