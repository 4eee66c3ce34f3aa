// Another name for a container.
import { BerthError, conflict, invalid } from "../base/errors.ts";
import { checkName } from "./names.ts";
import type { Records } from "./records.ts";
import { updateRecord } from "./state-machine.ts";
import type { ContainerRecord, Containers } from "./types.ts";

/** Errors: invalid (bad name, same name), conflict (taken). */
export function rename(containers: Containers, record: ContainerRecord, to: string): Promise<void> {
  if (to === "") throw invalid("Neither old nor new names may be empty");
  return containers.locks.run(record.id, () => {
    const before = containers.records.get(record.id) ?? record;
    const name = allocating(() => checkName(to.startsWith("/") ? to : `/${to}`));
    if (name === before.name) throw invalid("Renaming a container with the same name as its current name");
    refuseTakenName(containers.records, name, "Error when allocating new name: ");
    const after = updateRecord(containers, before.id, { name });
    containers.emit(after, "rename", { oldName: `/${before.name}` });
  });
}

/** moby names the step that a new name failed at. */
function allocating<T>(step: () => T): T {
  try {
    return step();
  } catch (error) {
    if (!(error instanceof BerthError)) throw error;
    throw new BerthError(error.kind, `Error when allocating new name: ${error.message}`, { cause: error });
  }
}

/** Errors: conflict in Docker's words, when another container has the name. */
export function refuseTakenName(records: Records, name: string, what = ""): void {
  const other = records.named(name);
  if (other)
    throw conflict(
      `${what}Conflict. The container name "/${name}" is already in use by container "${other.id}". ` +
        "You have to remove (or rename) that container to be able to reuse that name.",
    );
}
