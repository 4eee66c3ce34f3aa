// The vocabulary of graphs (LLB): trees of files, the steps that make them, what is said about steps.
import type { Platform } from "../../oci/types.ts";
import type { Definition, Input, Op, OpMetadata } from "../messages/ops_pb.ts";

/**
 * A tree of files that a build makes: one output of a step, or nothing at all (`scratch`). A value: a step on it makes
 * another one and leaves it as it is.
 */
export interface Tree {
  /** The step that makes it; undefined: scratch. */
  readonly step: Step | undefined;
  /** Which of the step's outputs. */
  readonly output: number;
}

/** One operation of a graph. Made by the functions of this room; encoded by `marshal`. */
export interface Step {
  /** All trees that it takes from; scratch is left out. */
  readonly inputs: readonly Tree[];
  readonly options: StepOptions;
  /** The operation. `inputs` collects what it takes from, in its own order, each edge once. */
  encode(inputs: InputList): Op["op"];
  /** Whether another platform makes it another step. */
  readonly platformSpecific: boolean;
  /** Of a step that was taken over from a graph: its bytes, which name it, and what was said about it. */
  readonly encoded?: { readonly bytes: Uint8Array; readonly metadata: OpMetadata | undefined };
}

/** Numbers a step's inputs. */
export interface InputList {
  readonly list: readonly Input[];
  /** The tree's number among the inputs; -1 for scratch. `repeat`: a number of its own though it is there already. */
  number(tree: Tree, repeat?: boolean): bigint;
}

/** What can be said about any step. */
export interface StepOptions {
  /** What progress shows; without it the operation itself. */
  readonly name?: string;
  /** Texts for whoever reads the graph, as `com.docker.dockerfile.v1.command`. */
  readonly description?: Readonly<Record<string, string>>;
  /** The step runs though its result is known. */
  readonly ignoreCache?: boolean;
  /** Steps of one group are shown as one. */
  readonly progressGroup?: { readonly id: string; readonly name: string; readonly weak?: boolean };
  /** Of commands and images; without it the graph's. */
  readonly platform?: Platform;
  /** Where the step was written, for errors and warnings. */
  readonly locations?: readonly SourceLocation[];
}

/** A file in which steps are written, for excerpts in errors. */
export interface SourceFile {
  readonly filename: string;
  readonly data: Uint8Array;
  /** By linguist's names: `Dockerfile`, `TypeScript`. */
  readonly language: string;
  /** The graph that the file came from. */
  readonly definition?: Definition;
}

export interface SourceLocation {
  readonly file: SourceFile;
  readonly ranges: readonly SourceRange[];
}

/** From `start` to `end`, both included; lines from 1. */
export interface SourceRange {
  readonly start: { readonly line: number; readonly character: number };
  readonly end: { readonly line: number; readonly character: number };
}
