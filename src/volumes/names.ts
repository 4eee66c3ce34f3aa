// Names of volumes: they are folders' names too, so nothing that leads elsewhere gets through.
import { invalid } from "../base/errors.ts";

/** Errors: invalid, in Docker's words. */
export function checkVolumeName(name: string): void {
  const refuse = invalid;
  if (name.length === 1)
    throw refuse("volume name is too short, names should be at least two alphanumeric characters");
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name))
    throw refuse(
      `${JSON.stringify(name)} includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
    );
  if (name.length > 255) throw refuse(`volume name is too long (${name.length} characters): at most 255`);
}
