// What ended several builds.

/** Of the build that failed first; the others are broken off. */
export class TargetFailure extends Error {
  constructor(
    readonly target: string,
    override readonly cause: unknown,
  ) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
