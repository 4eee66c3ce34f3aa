import { notImplemented } from "../base/errors.ts";
export async function importImage(..._a: unknown[]): Promise<never> {
  throw notImplemented("import");
}
