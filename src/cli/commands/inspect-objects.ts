// What all `inspect` commands share: JSON of everything found, or a template over each; errors at the end.
import { describe } from "../describe.ts";
import { CommandFailure, EXIT } from "../framework/failure.ts";
import type { Session } from "../session.ts";

/** docker's exit code for a template that doesn't parse. */
const EXIT_TEMPLATE = 64;

/** Looks each name up and prints it. What isn't found makes the exit code, not the rest, fail. */
export async function inspectObjects(
  session: Session,
  names: string[],
  format: string,
  find: (name: string) => Promise<unknown>,
): Promise<void> {
  const render = format && format !== "json" ? await compile(format) : undefined;
  const problems: string[] = [];
  const found: unknown[] = [];
  let text = "";
  for (const name of names) {
    try {
      const object = await find(name);
      if (render) text += `${render(object)}\n`;
      else found.push(object);
    } catch (thrown) {
      problems.push(describe(thrown));
    }
  }
  if (render) await session.out.write(text || "\n");
  else await session.out.line(format === "json" ? JSON.stringify(found) : JSON.stringify(found, null, 4));
  if (problems.length > 0) throw new CommandFailure(problems.join("\n"), EXIT.failed);
}

async function compile(format: string): Promise<(data: unknown) => string> {
  const { compileInspectTemplate } = await import("../template/inspect.ts");
  try {
    return compileInspectTemplate(format);
  } catch (thrown) {
    throw new CommandFailure(describe(thrown), EXIT_TEMPLATE);
  }
}
