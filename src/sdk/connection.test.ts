import { expect, test } from "bun:test";
import { segment } from "./connection.ts";
import { connect } from "./index.ts";

test.each([
  ["web", "web"],
  ["/web", "web"],
  ["//web/", "web"],
  ["a/b", "a%2Fb"],
])("the name %s in a path", (name, part) => expect(segment(name)).toBe(part));

test.each(["", " ", "/"])("no name: %j", (name) =>
  expect(() => segment(name)).toThrow("invalid container name or ID: value is empty"),
);

test("a redirect is no success", async () => {
  using server = Bun.serve({
    port: 0,
    fetch: (request) =>
      request.url.endsWith("_ping")
        ? new Response("OK", { headers: { "Api-Version": "1.51" } })
        : new Response(null, { status: 301, headers: { Location: "/elsewhere" } }),
  });
  const client = connect({ host: `tcp://127.0.0.1:${server.port}` });
  await expect(client.containers.stop("web")).rejects.toThrow(/redirect.*elsewhere/);
});
