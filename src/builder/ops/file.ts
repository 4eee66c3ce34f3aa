// FileOp: copies, folders, files, links and removals. Actions that follow each other on one tree are one worker's.
import { invalid } from "../../base/errors.ts";
import type {
  FileAction as Action,
  ChownOpt,
  FileActionCopy,
  FileOp,
  UserOpt,
} from "../../buildkit/messages/ops_pb.ts";
import { hasWildcards } from "../../buildkit/patterns/index.ts";
import {
  applyFileActions,
  type FileAction,
  type FileRoot,
  type Owner,
  type OwnerName,
  type PathSelector,
} from "../../store/index.ts";
import type { SnapshotId } from "../../store/types.ts";
import type { Vertex } from "../solver/graph.ts";
import { operationDigest } from "../solver/keys.ts";
import type { RunContext, Step } from "../solver/operation.ts";
import { mountWritable } from "../solver/views.ts";
import { baseOf, type OperationEnvironment } from "./environment.ts";
import { freeze } from "./freeze.ts";

export function fileStep(vertex: Vertex, op: FileOp, environment: OperationEnvironment): Step {
  return {
    kind: "step",
    operation: `file ${operationDigest(vertex.op)}`,
    selectors: selectorsOf(vertex, op),
    run: (context) => new FileRun(op, environment, context).run(),
  };
}

/** What is copied counts by its content; what is written onto counts by its key, and so does what both happens to. */
function selectorsOf(vertex: Vertex, op: FileOp): Map<number, PathSelector[]> {
  const count = vertex.inputs.length;
  const selectors = new Map<number, PathSelector[]>();
  const byKey = new Set<number>();
  const add = (input: number, selector: PathSelector) => {
    if (input >= 0 && input < count) selectors.set(input, [...(selectors.get(input) ?? []), selector]);
  };
  for (const { input, secondaryInput, action } of op.actions) {
    byKey.add(Number(input));
    if (action.case === "copy") add(Number(secondaryInput), selectorOf(action.value));
    const owner = action.case && action.case !== "rm" ? action.value.owner : undefined;
    for (const [who, file] of [
      [owner?.user, "/etc/passwd"],
      [owner?.group, "/etc/group"],
    ] as const)
      if (who?.user.case === "byName")
        add(Number(who.user.value.input), { path: file, followLinks: true, wildcard: true });
  }
  for (const input of byKey) selectors.delete(input);
  return selectors;
}

function selectorOf(copy: FileActionCopy): PathSelector {
  return {
    path: copy.src,
    wildcard: copy.allowWildcard && hasWildcards(copy.src),
    followLinks: copy.followSymlink,
    ...(copy.includePatterns.length > 0 && { includePatterns: copy.includePatterns }),
    ...(copy.excludePatterns.length > 0 && { excludePatterns: copy.excludePatterns }),
    ...(copy.requiredPaths.length > 0 && { requiredPaths: copy.requiredPaths }),
  };
}

/** A tree that actions write to, not yet finished. */
interface Draft {
  snapshot: SnapshotId;
  actions: FileAction[];
  /** Numbers of inputs and of earlier actions' results, in the order of the worker's roots. */
  sources: number[];
}

class FileRun {
  private readonly inputs: number;
  private readonly drafts = new Map<number, Draft>();
  /** Finished results of actions, by number. */
  private readonly finished = new Map<number, SnapshotId>();
  private readonly outputs: (SnapshotId | null)[] = [];

  constructor(
    private readonly op: FileOp,
    private readonly environment: OperationEnvironment,
    private readonly context: RunContext,
  ) {
    this.inputs = context.inputs.length;
  }

  async run(): Promise<(SnapshotId | null)[]> {
    try {
      for (const [at, action] of this.op.actions.entries()) await this.take(this.inputs + at, action);
      for (const [at, action] of this.op.actions.entries())
        if (action.output >= 0n) this.outputs[Number(action.output)] = await this.finish(this.inputs + at);
      return [...this.outputs].map((output) => output ?? null);
    } catch (thrown) {
      for (const { snapshot } of new Set(this.drafts.values()))
        await this.environment.host.store.snapshots.remove(snapshot);
      throw thrown;
    }
  }

  private async take(number: number, action: Action): Promise<void> {
    const draft = await this.draftOn(Number(action.input), action);
    draft.actions.push(await this.translate(draft, action));
    this.drafts.set(number, draft);
  }

  /** Goes on with the draft that an action stands on, where nobody else needs that one as it is. */
  private async draftOn(input: number, action: Action): Promise<Draft> {
    const known = this.drafts.get(input);
    if (known && !this.isNeeded(input, action)) {
      this.drafts.delete(input);
      return known;
    }
    const base = await this.snapshotOf(input);
    const { store } = this.environment.host;
    const snapshot = await store.snapshots.createActive(baseOf(base), this.context.lease);
    return { snapshot, actions: [], sources: [] };
  }

  private isNeeded(number: number, by: Action): boolean {
    if ((this.op.actions[number - this.inputs]?.output ?? -1n) >= 0n) return true;
    return this.op.actions.some(
      (other) =>
        (other !== by && Number(other.input) === number) ||
        (other.action.case === "copy" && Number(other.secondaryInput) === number),
    );
  }

  private async snapshotOf(number: number): Promise<SnapshotId | undefined> {
    if (number < 0) return undefined;
    if (number < this.inputs) return await this.context.inputs[number]?.snapshot();
    return await this.finish(number);
  }

  private async finish(number: number): Promise<SnapshotId> {
    const done = this.finished.get(number);
    if (done) return done;
    const draft = this.drafts.get(number);
    if (!draft) throw invalid("invalid file operation: an action takes from one that comes after it");
    await this.apply(draft);
    this.drafts.delete(number);
    const snapshot = await freeze(this.environment.host.store, draft.snapshot);
    this.finished.set(number, snapshot);
    return snapshot;
  }

  private async apply(draft: Draft): Promise<void> {
    await using stack = new AsyncDisposableStack();
    const sources: string[] = [];
    for (const number of draft.sources) sources.push(stack.use(await this.viewOf(number)).path);
    using target = mountWritable(this.environment.host.store, draft.snapshot);
    await applyFileActions({
      target: target.path,
      sources,
      actions: draft.actions,
      signal: this.context.signal,
    });
  }

  private async viewOf(number: number) {
    const input = number < this.inputs ? this.context.inputs[number] : undefined;
    if (input) return await input.view();
    return this.environment.views.open(number < 0 ? undefined : await this.snapshotOf(number));
  }

  /** The worker's number of a tree that is read. */
  private sourceOf(draft: Draft, number: number): FileRoot {
    const known = draft.sources.indexOf(number);
    return known >= 0 ? known : draft.sources.push(number) - 1;
  }

  private async translate(draft: Draft, { action, secondaryInput }: Action): Promise<FileAction> {
    switch (action.case) {
      case "copy":
        return {
          type: "copy",
          from: secondaryInput < 0n ? undefined : this.sourceOf(draft, Number(secondaryInput)),
          ...copyOptions(action.value),
          ...this.made(draft, action.value),
        };
      case "mkdir":
        return {
          type: "mkdir",
          path: action.value.path,
          mode: action.value.mode & 0o7777,
          makeParents: action.value.makeParents,
          ...this.made(draft, action.value),
        };
      case "mkfile":
        return {
          type: "mkfile",
          path: action.value.path,
          mode: action.value.mode & 0o7777,
          data: action.value.data,
          ...this.made(draft, action.value),
        };
      case "symlink":
        return {
          type: "symlink",
          target: action.value.oldpath,
          path: action.value.newpath,
          ...this.made(draft, action.value),
        };
      case "rm":
        return {
          type: "rm",
          path: action.value.path,
          allowNotFound: action.value.allowNotFound,
          allowWildcard: action.value.allowWildcard,
        };
      default:
        throw invalid("invalid file operation: an action of no known kind");
    }
  }

  private made(draft: Draft, { owner, timestamp }: { owner?: ChownOpt; timestamp: bigint }) {
    const found = owner && this.owner(draft, owner);
    return { ...(found && { owner: found }), ...(timestamp >= 0n && { timestamp: String(timestamp) }) };
  }

  private owner(draft: Draft, { user, group }: ChownOpt): Owner {
    const named = (who: UserOpt | undefined): OwnerName | undefined => {
      if (who?.user.case === "byId") return { byId: who.user.value };
      if (who?.user.case !== "byName") return undefined;
      const { name, input } = who.user.value;
      // A tree of which nothing is known has no accounts: in BuildKit's words (solver/llbsolver/file/user.go).
      if (input < 0n) throw invalid(`invalid user index: ${input}`);
      return { byName: name, in: this.sourceOf(draft, Number(input)) };
    };
    const [u, g] = [named(user), named(group)];
    return { ...(u && { user: u }), ...(g && { group: g }) };
  }
}

function copyOptions(copy: FileActionCopy) {
  return {
    source: copy.src,
    destination: copy.dest,
    ...(copy.mode >= 0 && { mode: copy.mode & 0o7777 }),
    ...(copy.modeStr && { modeText: copy.modeStr }),
    followSymlink: copy.followSymlink,
    directoryContents: copy.dirCopyContents,
    unpack: copy.attemptUnpackDockerCompatibility,
    createDestination: copy.createDestPath,
    allowWildcard: copy.allowWildcard,
    allowEmptyWildcard: copy.allowEmptyWildcard,
    ...(copy.includePatterns.length > 0 && { includePatterns: copy.includePatterns }),
    ...(copy.excludePatterns.length > 0 && { excludePatterns: copy.excludePatterns }),
    replaceDestination: copy.alwaysReplaceExistingDestPaths,
  };
}
