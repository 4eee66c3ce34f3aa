// Mounts that are made by parts, and first attached nowhere: fsopen(2), fsconfig(2), fsmount(2).
import { check, close, cString, ptr, SYS, syscall } from "./ffi.ts";

/** linux/mount.h, "enum fsconfig_command". */
const FSCONFIG = { SET_FLAG: 0, SET_STRING: 1, CMD_CREATE: 6 } as const;
const FSOPEN_CLOEXEC = 1;
const FSMOUNT_CLOEXEC = 1;

/** Sets a parameter, or without a value a flag. -1 where the kernel refuses it, with the reason in errno. */
export type SetParameter = (name: string, value?: string) => number;

/** The mount's descriptor, which the caller attaches and closes. `shown`: what it is for, in errors. Errors: KernelError. */
export function createMount(type: string, shown: string, describe: (set: SetParameter) => void): number {
  const name = cString(type);
  const context = check(syscall(SYS.fsopen, ptr(name), FSOPEN_CLOEXEC), "fsopen", type);
  try {
    describe((parameter, value) => setParameter(context, parameter, value));
    check(syscall(SYS.fsconfig, context, FSCONFIG.CMD_CREATE), `mount ${type} on`, shown);
    return check(syscall(SYS.fsmount, context, FSMOUNT_CLOEXEC), "fsmount", shown);
  } finally {
    close(context);
  }
}

function setParameter(context: number, parameter: string, value: string | undefined): number {
  const name = cString(parameter);
  if (value === undefined) return syscall(SYS.fsconfig, context, FSCONFIG.SET_FLAG, ptr(name));
  const text = cString(value);
  return syscall(SYS.fsconfig, context, FSCONFIG.SET_STRING, ptr(name), ptr(text));
}
