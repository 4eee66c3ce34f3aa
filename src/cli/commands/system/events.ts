// `events`: what happens on the daemon, a line each, for as long as one likes to watch.
import type { EventMessage } from "../../../sdk/index.ts";
import { describe } from "../../describe.ts";
import { command } from "../../framework/command.ts";
import { CommandFailure, fail } from "../../framework/failure.ts";
import { flag } from "../../framework/flags.ts";
import { timestamp } from "../../timestamp.ts";
import { JSON_FORMAT } from "../../usage-texts.ts";

/** docker's exit code for a template that doesn't parse. */
const EXIT_TEMPLATE = 64;

export default command({
  synopsis: "[OPTIONS]",
  about: "Get real time events from the server",
  aliases: ["system events", "events"],
  args: { exactly: 0 },
  flags: {
    filter: flag.filter("Filter output based on conditions provided", { short: "f" }),
    format: flag.string(JSON_FORMAT),
    since: flag.string("Show all events created since timestamp"),
    until: flag.string("Stream events until this timestamp"),
  },
  async run(session, { flags }) {
    const render = flags.format ? await compile(flags.format) : line;
    const when = (text: string) => {
      try {
        return text === "" ? undefined : timestamp(text);
      } catch (thrown) {
        throw fail(describe(thrown));
      }
    };
    const client = await session.client();
    const events = await client.system.eventLines({
      since: when(flags.since),
      until: when(flags.until),
      filters: flags.filter,
    });
    for await (const event of events) await session.out.line(render(event));
  },
});

async function compile(format: string): Promise<(text: string) => string> {
  const { compileTemplate, structOf } = await import("../../../base/template/index.ts");
  if (format === "json" || /^\s*\{\{\s*json\s+\.\s*\}\}\s*$/.test(format)) return (text) => text;
  try {
    const run = compileTemplate(format);
    const asStructure = (event: EventMessage & { status?: string; id?: string; from?: string }) =>
      structOf(
        {
          // Names of the Go structure; those of old clients among them, which containers and images alone have.
          Status: event.status ?? "",
          ID: event.id ?? "",
          From: event.from ?? "",
          ...event,
          Type: event.Type ?? "",
          Action: event.Action ?? "",
          Actor: structOf({ ID: "", Attributes: {}, ...event.Actor }, "events.Actor"),
          Scope: event.scope ?? "",
          Time: event.time ?? 0,
          TimeNano: event.timeNano ?? 0,
        },
        "*events.Message",
      );
    run(asStructure({})); // a placeholder that there isn't is known before the first event
    return (text) => run(asStructure(JSON.parse(text) as EventMessage));
  } catch (thrown) {
    throw new CommandFailure(
      `Error parsing format: ${describe(thrown).replace(/^template parsing error: /, "")}`,
      EXIT_TEMPLATE,
    );
  }
}

function line(text: string): string {
  const event = JSON.parse(text) as EventMessage;
  const attributes = Object.entries(event.Actor?.Attributes ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`);
  const details = attributes.length > 0 ? ` (${attributes.join(", ")})` : "";
  return `${moment(event, text)}${event.Type} ${event.Action} ${event.Actor?.ID ?? ""}${details}`;
}

/** RFC 3339 in our own zone, with all nine digits of the second's fraction: from the text, a number has lost the last. */
function moment({ time, timeNano }: EventMessage, text: string): string {
  if (!time && !timeNano) return "";
  const seconds = time ?? Math.trunc((timeNano ?? 0) / 1e9);
  const nanoseconds = /"timeNano":(\d+)/.exec(text)?.[1] ?? "0";
  const fraction = nanoseconds.slice(-9).padStart(9, "0");
  const offset = -new Date(seconds * 1000).getTimezoneOffset();
  const local = new Date((seconds + offset * 60) * 1000).toISOString().slice(0, 19);
  const two = (number: number) => String(Math.trunc(number)).padStart(2, "0");
  const zone =
    offset === 0
      ? "Z"
      : `${offset < 0 ? "-" : "+"}${two(Math.abs(offset) / 60)}:${two(Math.abs(offset) % 60)}`;
  return `${local}.${fraction}${zone} `;
}
