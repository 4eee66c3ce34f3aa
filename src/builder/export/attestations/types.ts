// What may be said of a result besides the result itself: in-toto statements (in-toto attestation framework, "Statement").
import type { Store } from "../../../store/types.ts";
import type { LayerBlob } from "../../types.ts";

export interface Attestation {
  predicateType: string;
  /** Its name as a file: `provenance.json`. */
  path: string;
  /** Goes with images alone, not with archives and folders. */
  inlineOnly: boolean;
  /** Made when it is asked for: provenance says when the build ended. Errors: of what it is made from. */
  predicate(context: PredicateContext): Promise<object>;
}

export interface PredicateContext {
  store: Store;
  /** Of an image. */
  layers?: readonly LayerBlob[];
  signal: AbortSignal;
}

export interface Subject {
  name: string;
  /** Hexadecimal digits by algorithm. */
  digest: Record<string, string>;
}

export const PREDICATE = {
  spdx: "https://spdx.dev/Document",
  provenance02: "https://slsa.dev/provenance/v0.2",
  provenance1: "https://slsa.dev/provenance/v1",
} as const;
