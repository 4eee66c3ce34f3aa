// Events: the ring of the last 256, and those who listen. A listener that doesn't read keeps its own queue, up to a limit.
import type { EventMessage } from "../api/types/index.ts";
import { matchesLabel, nowNanoseconds } from "../containers/index.ts";
import type { Events, EventType, Filters } from "./types.ts";

const KEPT = 256;
/** A listener this far behind is cut off: its connection ends, so that it sees that it missed something. */
const LONGEST_QUEUE = 4096;

/** Clients up to API 1.43 read status, id and from; Docker still sends them for containers and images. */
export type WireEvent = EventMessage & { status?: string; id?: string; from?: string };

export function openEvents(): Events {
  const ring: WireEvent[] = [];
  const listeners = new Set<(event: WireEvent) => void>();
  return {
    get listeners() {
      return listeners.size;
    },
    publish(type, action, id, attributes = {}) {
      const event = toEvent(type, action, id, attributes);
      ring.push(event);
      if (ring.length > KEPT) ring.shift();
      for (const listener of listeners) listener(event);
    },
    stream(options, signal) {
      const wanted = filterOf(options.filters);
      const since = options.since;
      const until = options.until;
      // An end without a beginning is answered with all that is kept, as dockerd does.
      const asked = since !== undefined || until !== undefined;
      const past = asked ? ring.filter((event) => secondsOf(event) >= (since ?? 0)) : [];
      const queue = past.filter((event) => until === undefined || secondsOf(event) <= until).filter(wanted);
      return listen(listeners, queue, { wanted, until, signal });
    },
  };
}

async function* listen(
  listeners: Set<(event: WireEvent) => void>,
  queue: WireEvent[],
  options: { wanted: (event: WireEvent) => boolean; until: number | undefined; signal: AbortSignal },
): AsyncGenerator<WireEvent> {
  let wake = () => {};
  let overrun = false;
  const listener = (event: WireEvent) => {
    if (!options.wanted(event)) return;
    if (queue.length >= LONGEST_QUEUE) overrun = true;
    else queue.push(event);
    wake();
  };
  listeners.add(listener);
  const ends =
    options.until === undefined
      ? options.signal
      : AbortSignal.any([
          options.signal,
          AbortSignal.timeout(Math.max(0, options.until * 1000 - Date.now())),
        ]);
  const end = () => wake();
  ends.addEventListener("abort", end);
  try {
    for (;;) {
      for (let event = queue.shift(); event; event = queue.shift()) yield event;
      if (ends.aborted || overrun) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (queue.length > 0 || ends.aborted) resolve();
      });
    }
  } finally {
    ends.removeEventListener("abort", end);
    listeners.delete(listener);
  }
}

/** All digits of an event's time, of which a number loses the last two. */
const exactTimes = new WeakMap<EventMessage, bigint>();

/** An event as it goes over the wire. */
export function eventJson(event: EventMessage): string {
  const exact = exactTimes.get(event);
  const text = JSON.stringify(event);
  return exact === undefined ? text : text.replace(/"timeNano":\d+\}$/, `"timeNano":${exact}}`);
}

function toEvent(type: EventType, action: string, id: string, attributes: Record<string, string>): WireEvent {
  const time = nowNanoseconds();
  const sorted = Object.fromEntries(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)));
  const event: WireEvent = {
    ...((type === "container" || type === "image") && { status: action, ...(id && { id }) }),
    ...(type === "container" && attributes.image && { from: attributes.image }),
    Type: type,
    Action: action,
    Actor: { ID: id, Attributes: sorted },
    scope: "local",
    time: Number(time / 1_000_000_000n),
    timeNano: Number(time),
  };
  exactTimes.set(event, time);
  return event;
}

const secondsOf = (event: WireEvent): number => (event.timeNano ?? 0) / 1e9;

/** `--filter`s of `docker events`. */
function filterOf(filters: Filters): (event: WireEvent) => boolean {
  const tests: ((event: WireEvent) => boolean)[] = [];
  for (const [name, values] of Object.entries(filters)) {
    if (values.length === 0) continue;
    tests.push(testOf(name, values));
  }
  return (event) => tests.every((test) => test(event));
}

const ACTORS = ["container", "volume", "network", "plugin", "service", "node", "secret", "config", "daemon"];

/** The actions whose names go on behind a colon (`exec_create: sh`); a filter with one of them takes beginnings. */
const OPEN_ENDED = ["health_status", "exec_create", "exec_start"];

function testOf(name: string, values: string[]): (event: WireEvent) => boolean {
  switch (name) {
    case "event": {
      const open = values.some((value) => OPEN_ENDED.includes(value));
      return ({ Action = "" }) => (open ? begins(Action, values) : values.includes(Action));
    }
    case "type":
      return ({ Type = "" }) => values.includes(Type);
    case "scope":
      return ({ scope = "local" }) => values.includes(scope);
    case "label":
      return ({ Actor }) => values.every((value) => matchesLabel(value, Actor?.Attributes ?? {}));
    case "image":
      return (event) => isOfImage(event, values);
    default:
      if (!ACTORS.includes(name)) return () => true; // as dockerd, which ignores what it doesn't know here
      // dockerd doesn't look at the event's type here: a volume of that name passes for a container.
      return ({ Actor }) => begins(Actor?.ID ?? "", values) || begins(Actor?.Attributes?.name ?? "", values);
  }
}

const begins = (text: string, values: string[]): boolean => values.some((value) => text.startsWith(value));

/** The image itself, with its tag or without, or a container of it. */
function isOfImage({ Type, Actor }: WireEvent, values: string[]): boolean {
  const id = Actor?.ID ?? "";
  const name = Actor?.Attributes?.[Type === "container" ? "image" : "name"] ?? "";
  const repository = (text: string) =>
    text.replace(/^docker\.io\/(?:library\/)?/, "").replace(/(?::[^/:]*|@.*)$/, "");
  return [id, name, repository(id), repository(name)].some((text) => values.includes(text));
}
