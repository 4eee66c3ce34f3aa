// What all `inspect` commands share: JSON of everything found, or a template over each; errors at the end.
import { describe } from "../describe.ts";
import { CommandFailure, EXIT } from "../framework/failure.ts";
import type { Session } from "../session.ts";

/** docker's exit code for a template that doesn't parse. */
const EXIT_TEMPLATE = 64;

/** What is not as for the daemon's objects, whose JSON is shown as it came. */
export interface InspectStyle {
  json?: (value: unknown, indent?: number) => string;
  compile?: (format: string) => Promise<(data: unknown) => string>;
}

/** Looks each name up and prints it. What isn't found makes the exit code, not the rest, fail. */
export async function inspectObjects(
  session: Session,
  names: string[],
  format: string,
  find: (name: string) => Promise<unknown>,
  style: InspectStyle = {},
): Promise<void> {
  const render = format && format !== "json" ? await compile(format, style.compile) : undefined;
  const json = style.json ?? ((value: unknown, indent?: number) => JSON.stringify(value, null, indent));
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
  else await session.out.line(json(found, format === "json" ? undefined : 4));
  if (problems.length > 0) throw new CommandFailure(problems.join("\n"), EXIT.failed);
}

async function compile(format: string, own: InspectStyle["compile"]): Promise<(data: unknown) => string> {
  const { compileInspectTemplate } = await import("../template/inspect.ts");
  try {
    return await (own ?? compileInspectTemplate)(format);
  } catch (thrown) {
    throw new CommandFailure(describe(thrown), EXIT_TEMPLATE);
  }
}
