// A log driver that can't begin keeps its container from starting, in dockerd's words.
import { type BerthError, systemError } from "../base/errors.ts";

export const loggingFailure = (reason: string): BerthError =>
  systemError(`failed to create task for container: failed to initialize logging driver: ${reason}`);
