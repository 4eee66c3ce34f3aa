// The last lines that one step of a remembered build put out (docker/buildx commands/history/inspect.go: loadVertexLogs).
import type { Client } from "../../sdk/index.ts";

export interface StepOutput {
  name: string;
  lines: string[];
}

/** Lines of both streams in the order in which they began. */
export async function stepOutput(
  client: Client,
  ref: string,
  vertex: string,
  most: number,
): Promise<StepOutput> {
  let name = "";
  const lines: string[] = [];
  // Of each stream the line that has not come to its end.
  const open = new Map<number, number>();
  for await (const { vertexes, logs } of await client.builder.logs(ref)) {
    name = vertexes.find(({ digest }) => digest === vertex)?.name ?? name;
    for (const log of logs) {
      if (log.vertex !== vertex) continue;
      const parts = Buffer.from(log.data).toString().split("\n");
      for (const [at, part] of parts.entries()) {
        const known = at === 0 ? open.get(log.stream) : undefined;
        if (known !== undefined) lines[known] += part;
        else if (part !== "") open.set(log.stream, lines.push(part) - 1);
        if (at < parts.length - 1) open.delete(log.stream);
      }
    }
  }
  return { name, lines: lines.slice(-most) };
}
