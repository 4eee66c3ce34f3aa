// Who runs the program: names and numbers looked up in the image's /etc/passwd and /etc/group (passwd(5), group(5)).
import { invalid } from "../../base/errors.ts";
import type { Process } from "./spec.ts";

export interface Account {
  name: string;
  uid: number;
  gid: number;
  home: string;
}
export interface Group {
  name: string;
  gid: number;
  members: string[];
}
/** The texts of both files; empty where the image has none. */
export interface AccountFiles {
  passwd: string;
  group: string;
}

export interface ResolvedUser {
  user: Process["user"];
  /** HOME, unless the environment says it; absent where only the runtime can see the passwd file (`homeOf`). */
  home?: string;
}

const MAX_ID = 2 ** 31 - 1;
const OUT_OF_RANGE = "uids and gids must be in range 0-2147483647";

const lines = (text: string): string[][] =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .map((line) => line.split(":"));
const number = (text: string | undefined): number => Number.parseInt(text ?? "", 10) || 0;
const numeric = (text: string): boolean => /^[+-]?\d+$/.test(text);

export const parsePasswd = (text: string): Account[] =>
  lines(text).map(([name = "", , uid, gid, , home = ""]) => ({
    name,
    uid: number(uid),
    gid: number(gid),
    home,
  }));

export const parseGroup = (text: string): Group[] =>
  lines(text).map(([name = "", , gid, members = ""]) => ({
    name,
    gid: number(gid),
    members: members.split(",").filter((member) => member !== ""),
  }));

function inRange(id: number): number {
  if (id < 0 || id > MAX_ID) throw invalid(OUT_OF_RANGE);
  return id;
}

/**
 * "user", "uid", "user:group", "uid:gid" … and `--group-add`. A number is an id even when a name looks like it.
 * Without an explicit group the ones that list the user are added. Errors: invalid, in Docker's words.
 */
export function resolveUser(
  spec: string,
  groupAdd: string[] | null | undefined,
  files: AccountFiles,
): ResolvedUser {
  const [userPart = "", groupPart = ""] = spec.split(":");
  const accounts = parsePasswd(files.passwd);
  const groups = parseGroup(files.group);
  const account = accounts.find(({ name, uid }) =>
    userPart === "" ? uid === 0 : numeric(userPart) ? uid === Number(userPart) : name === userPart,
  );
  if (!account && userPart !== "" && !numeric(userPart))
    throw invalid(`unable to find user ${userPart}: no matching entries in passwd file`);

  const uid = account?.uid ?? inRange(Number(userPart || 0));
  let gid = account?.gid ?? 0;
  let supplementary: number[] = [];
  if (groupPart !== "") {
    const group = groups.find((each) =>
      numeric(groupPart) ? each.gid === Number(groupPart) : each.name === groupPart,
    );
    if (!group && !numeric(groupPart))
      throw invalid(`unable to find group ${groupPart}: no matching entries in group file`);
    gid = group?.gid ?? inRange(Number(groupPart));
  } else if (account) {
    supplementary = groups.filter(({ members }) => members.includes(account.name)).map((group) => group.gid);
  }
  const added = (groupAdd ?? []).map((name) => additionalGroup(name, groups));
  return {
    user: { uid, gid, additionalGids: [...new Set([gid, ...supplementary, ...added])] },
    home: homeIn(accounts, uid),
  };
}

/** As runc has it: of the first account with the id, and "/" without one. */
const homeIn = (accounts: Account[], uid: number): string =>
  accounts.find((each) => each.uid === uid)?.home ?? "/";

/** The home folder of an id by the text of a passwd file. */
export const homeOf = (passwd: string, uid: number): string => homeIn(parsePasswd(passwd), uid);

function additionalGroup(name: string, groups: Group[]): number {
  const group = groups.find((each) => each.name === name || String(each.gid) === name);
  if (group) return group.gid;
  if (!numeric(name)) throw invalid(`unable to find group ${name}: no matching entries in group file`);
  return inRange(Number(name));
}
