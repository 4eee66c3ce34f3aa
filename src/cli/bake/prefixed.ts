// Several builds in one display: each one's steps have its target's name in front, and digests and numbers of their own.
import type { BuildEvent, BuildVertex } from "../../sdk/index.ts";

/** Where a name begins with its stage in brackets the target goes into them. */
function withTarget(target: string, name: string): string {
  return name.startsWith("[") ? `[${target} ${name.slice(1)}` : `[${target}] ${name}`;
}

/** `target` undefined: there is one alone, which is shown as any build. */
export function prefixed(target: string | undefined, event: BuildEvent): BuildEvent {
  if (target === undefined) return event;
  const vertexes: BuildVertex[] = event.vertexes.map((vertex) => ({
    ...vertex,
    name: withTarget(target, vertex.name),
    ...(vertex.group && { group: { ...vertex.group, name: withTarget(target, vertex.group.name) } }),
  }));
  return { ...event, vertexes };
}
