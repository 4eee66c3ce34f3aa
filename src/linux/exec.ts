// Another program in this process's place: execvpe(3).
import { ptr } from "bun:ffi";
import { cString, errno, KernelError, libc, T } from "./ffi.ts";

const c = libc({ execvpe: { args: [T.ptr, T.ptr, T.ptr], returns: T.i32 } });

/** Never returns: throws when the program can't be started. Pid, standard streams, namespaces and parent stay. */
export function replaceProcess(command: readonly string[], environment: Record<string, string>): never {
  const [program = ""] = command;
  const strings: Uint8Array[] = [];
  const array = (texts: readonly string[]) => {
    const pointers = new BigUint64Array(texts.length + 1);
    texts.forEach((text, at) => {
      const bytes = cString(text);
      strings.push(bytes); // Kept until the call
      pointers[at] = BigInt(ptr(bytes));
    });
    return pointers;
  };
  const argv = array(command);
  const envp = array(Object.entries(environment).map(([name, value]) => `${name}=${value}`));
  c.execvpe(cString(program), argv, envp);
  throw new KernelError("exec", errno(), strings.length > 0 ? program : "");
}
