// Paths of WORKDIR, COPY and ADD, in a Linux image.
import { posix } from "node:path";

/** The new working directory: an absolute one as it is written, a relative one joined to the current one. */
export function workdirPath(current: string, path: string): string {
  const wanted = path === "" ? current || "/" : path;
  return posix.isAbsolute(wanted) ? wanted : cleanJoin(absolute(current), wanted);
}

/** Go's path.Join: clean, without a slash at its end, which Node keeps. */
function cleanJoin(parent: string, path: string): string {
  const joined = posix.join(parent, path);
  return joined.length > 1 && joined.endsWith("/") ? joined.slice(0, -1) : joined;
}

const absolute = (path: string): string => (posix.isAbsolute(path) ? path : cleanJoin("/", path));

/** A destination in the image; `/` or `/.` at its end, which says that it is a folder, stays. */
export function destinationPath(workdir: string, path: string): string {
  const wanted = path === "" || path === "." ? "./" : path;
  let result = posix.isAbsolute(wanted) ? wanted : cleanJoin(absolute(workdir || "/"), wanted);
  if (wanted.endsWith("/") && !result.endsWith("/")) result += "/";
  else if (wanted.endsWith("/.") && !posix.isAbsolute(wanted)) result += result === "/" ? "." : "/.";
  return result;
}

/** Where a mount goes; a relative target is below the working directory. "/" is no target. */
export function mountTarget(workdir: string, target: string): string {
  return posix.isAbsolute(target) ? target : cleanJoin("/", posix.join(workdir || "/", target));
}
