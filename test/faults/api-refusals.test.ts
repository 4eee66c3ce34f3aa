// What a daemon refuses, in the status and the words of a Docker 28.5 (api-refusals.json, recorded): clients match on them.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { ROUTES } from "../../src/api/routes.ts";
import { BUSYBOX, importBusybox } from "../fixtures/busybox.ts";
import { type Daemon, startDaemon } from "../fixtures/daemon.ts";
import recorded from "./api-refusals.json";
import { API_REFUSALS, type Ask, prepare, type RecordedRefusal, refusal } from "./api-refusals.ts";
import { DIFFERENCES } from "./api-refusals-differences.ts";

let daemon: Daemon;
let made: Awaited<ReturnType<typeof prepare>>;

const ask: Ask = async (method, path, body, type) => {
  const answer = await fetch(`http://d${path}`, {
    unix: daemon.socket,
    redirect: "manual",
    method,
    ...(body !== undefined && { body }),
    headers: type ? { "Content-Type": type } : {},
  });
  return { status: answer.status, text: await answer.text() };
};

beforeAll(async () => {
  daemon = await startDaemon();
  await importBusybox(daemon);
  made = await prepare(ask);
});
afterAll(() => daemon?.[Symbol.asyncDispose]());

const titled = (recorded as RecordedRefusal[]).map((each) => {
  const body = each.body === undefined ? "" : JSON.stringify(each.body).replace(`"Image":"${BUSYBOX}",`, "");
  return [`${each.method} ${each.path} ${body}`.trim(), each] as const;
});

/** An operation that has no handler yet answers 501 with its name, whatever is asked. */
const isUnbuilt = (method: string, path: string): boolean => {
  const names = (path.split("?")[0] ?? "").split("/");
  const route = ROUTES.find((each) => {
    const parts = each.path.split("/");
    const fits = parts.every((part, at) => part === names[at] || (part.startsWith("{") && names[at]));
    return each.method === method && fits && parts.length === names.length;
  });
  return route !== undefined && !route.handler;
};

test("the recording is of these requests", () => {
  expect(recorded.map(({ status: _, message: __, ...request }) => request)).toEqual(
    JSON.parse(JSON.stringify(API_REFUSALS)),
  );
});

test.each(titled)("%s", async (title, each) => {
  const { status, message, ...request } = each;
  const ours = await refusal(ask, request, made.names);
  const known = DIFFERENCES[title];
  if (isUnbuilt(request.method, request.path)) expect(ours.status).toBe(501);
  // Docker answers 500 where nobody gave its error a kind: what the client did wrong may be 400 with us.
  else if (!known && status === 500) {
    expect(ours.message).toBe(message);
    expect([400, 500]).toContain(ours.status);
  } else if (!known) expect(ours).toEqual({ status, message });
  else {
    expect(ours).toEqual({ status: known.status ?? status, message: known.message ?? message });
    expect(ours).not.toEqual({ status, message });
    expect(known.reason.length).toBeGreaterThan(20);
  }
});

test("every difference is of a request", () => {
  const titles = titled.map(([title]) => title);
  expect(Object.keys(DIFFERENCES).filter((title) => !titles.includes(title))).toEqual([]);
});

test("and all is as it was", async () => {
  const names = (await ask("GET", "/containers/json?all=1")).text;
  expect((JSON.parse(names) as { Names: string[] }[]).map(({ Names }) => Names[0]).sort()).toEqual([
    "/refused-down",
    "/refused-new",
    "/refused-paused",
    "/refused-up",
  ]);
});
