// The networks' part of the API: what there is. Making and removing networks comes with networks of the user.
import { invalid } from "../base/errors.ts";
import { parseFilters } from "./filters.ts";
import { type Handler, json } from "./request.ts";

const list: Handler = ({ query }, rooms) => {
  const filters = parseFilters(query.get("filters"));
  return json(
    rooms.networks
      .list()
      .map((network) => rooms.networks.toApi(network, { verbose: false }))
      .filter((network) => matches(network, filters)),
  );
};

/** The networks room's own words for a filter it doesn't know are moby's. */
function matches(
  network: { Name?: string; Id?: string; Driver?: string; Scope?: string; Labels?: Record<string, string> },
  filters: Record<string, string[]>,
): boolean {
  return Object.entries(filters).every(([name, values]) => {
    switch (name) {
      case "name":
        return values.some((value) => network.Name?.includes(value));
      case "id":
        return values.some((value) => network.Id?.startsWith(value));
      case "driver":
        return values.includes(network.Driver ?? "");
      case "scope":
        return values.includes(network.Scope ?? "");
      case "type":
        return values.every((value) => {
          if (value !== "builtin" && value !== "custom") throw invalid(`invalid filter: 'type'='${value}'`);
          return (value === "builtin") === ["bridge", "host", "none"].includes(network.Name ?? "");
        });
      case "label":
        return values.every((value) => {
          const [key = "", wanted] = value.split(/=(.*)/s);
          const label = network.Labels?.[key];
          return label !== undefined && (wanted === undefined || label === wanted);
        });
      case "dangling":
        return true;
      default:
        throw invalid(`invalid filter '${name}'`);
    }
  });
}

const inspect: Handler = ({ name, query }, rooms) => {
  const text = query.get("verbose") ?? "";
  if (text !== "" && !/^(?:1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$/.test(text))
    throw invalid(
      `invalid value for verbose: ${text}: strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`,
    );
  return json(rooms.networks.toApi(rooms.networks.find(name), { verbose: /^(?:1|[tT])/.test(text) }));
};

export const handlers = { list, inspect } satisfies Record<string, Handler>;
