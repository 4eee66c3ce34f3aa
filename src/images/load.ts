import { notImplemented } from "../base/errors.ts";
export async function loadImages(..._a: unknown[]): Promise<void> {
  throw notImplemented("load");
}
