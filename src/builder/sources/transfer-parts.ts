// A transfer's parts as a vertex shows them: `sha256:… 5.2MB / 10MB`, `extracting sha256:…`.
import type { VertexProgress } from "../solver/progress.ts";
import type { ProgressOptions } from "../types.ts";

export function transferParts(progress: VertexProgress): ProgressOptions["progress"] {
  const parts = new Map<string, ReturnType<VertexProgress["part"]>>();
  return ({ id, action, current, total, done }) => {
    const key = action === "extracting" ? `extracting ${id}` : id;
    let part = parts.get(key);
    if (!part) {
      part = progress.part(key);
      parts.set(key, part);
    }
    part({
      name: action,
      ...(current !== undefined && { current }),
      ...(total !== undefined && { total }),
      ...(done && { done }),
    });
  };
}
