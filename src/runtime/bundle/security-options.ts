// --security-opt: no-new-privileges, seccomp, apparmor, label, writable-cgroups. (`systempaths=unconfined` never gets
// here: the client turns it into empty MaskedPaths and ReadonlyPaths.)

import { invalid } from "../../base/errors.ts";
import { goBoolean } from "../../base/go-boolean.ts";

export interface SecurityOptions {
  noNewPrivileges: boolean;
  /** A profile's content, "unconfined", "builtin", or empty where nothing was said. */
  seccomp: string;
  appArmor: string;
  writableCgroups?: boolean;
  /** SELinux labels; kept for inspect, without effect on a host without SELinux. */
  labels: string[];
}

/** Errors: invalid, in Docker's words. */
export function parseSecurityOptions(
  options: string[] | null | undefined,
  noNewPrivileges = false,
): SecurityOptions {
  const parsed: SecurityOptions = { noNewPrivileges, seccomp: "", appArmor: "", labels: [] };
  for (const option of options ?? []) {
    if (option === "no-new-privileges") parsed.noNewPrivileges = true;
    else if (option === "writable-cgroups") parsed.writableCgroups = true;
    else if (option === "disable") parsed.labels.push("disable");
    else applyPair(parsed, option);
  }
  return parsed;
}

function applyPair(parsed: SecurityOptions, option: string): void {
  const separator = option.includes("=") ? "=" : ":";
  const at = option.indexOf(separator);
  if (at < 0) throw invalid(`invalid --security-opt 1: ${JSON.stringify(option)}`);
  const key = option.slice(0, at);
  const value = option.slice(at + 1);
  const refuse = () => invalid(`invalid --security-opt 2: ${JSON.stringify(option)}`);
  switch (key) {
    case "label":
      parsed.labels.push(value);
      return;
    case "apparmor":
      parsed.appArmor = value;
      return;
    case "seccomp":
      parsed.seccomp = value;
      return;
    case "no-new-privileges":
      parsed.noNewPrivileges = parseBoolean(value, refuse);
      return;
    case "writable-cgroups":
      parsed.writableCgroups = parseBoolean(value, refuse);
      return;
    default:
      throw refuse();
  }
}

function parseBoolean(value: string, refuse: () => Error): boolean {
  const truth = goBoolean(value);
  if (truth === undefined) throw refuse();
  return truth;
}
