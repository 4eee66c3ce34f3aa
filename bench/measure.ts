// Measuring: whole processes, ours and the peer's in turn, so that a drift of the machine falls on both.

export interface Sample {
  ours: number[];
  peer: number[];
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};

/** Milliseconds that one process takes from start to end; throws with its output when it fails. */
export async function timeProcess(
  command: string[],
  environment: Record<string, string | undefined> = {},
): Promise<number> {
  const began = performance.now();
  const child = Bun.spawn(command, {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
    env: { ...process.env, ...environment },
  });
  const code = await child.exited;
  const took = performance.now() - began;
  if (code !== 0)
    throw new Error(`${command.join(" ")} ended with ${code}: ${await new Response(child.stderr).text()}`);
  return took;
}

/** Runs `ours` and `peer` in turn, after one round that is not counted. */
export async function inTurn(
  rounds: number,
  ours: () => Promise<number>,
  peer?: () => Promise<number>,
): Promise<Sample> {
  const sample: Sample = { ours: [], peer: [] };
  for (let round = 0; round <= rounds; round += 1) {
    const a = await ours();
    const b = await peer?.();
    if (round === 0) continue;
    sample.ours.push(a);
    if (b !== undefined) sample.peer.push(b);
  }
  return sample;
}
