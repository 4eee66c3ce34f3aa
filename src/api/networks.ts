// The networks' part of the API: what there is. Making and removing networks comes with networks of the user.
import { invalid } from "../base/errors.ts";
import { parseFilters } from "./filters.ts";
import { type Handler, json } from "./request.ts";

const list: Handler = ({ query }, rooms) =>
  json(
    rooms.networks
      .list(parseFilters(query.get("filters")))
      .map((network) => rooms.networks.toApi(network, { verbose: false })),
  );

const inspect: Handler = ({ name, query }, rooms) => {
  const text = query.get("verbose") ?? "";
  if (text !== "" && !/^(?:1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$/.test(text))
    throw invalid(
      `invalid value for verbose: ${text}: strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`,
    );
  return json(rooms.networks.toApi(rooms.networks.find(name), { verbose: /^(?:1|[tT])/.test(text) }));
};

const PRUNE_FILTERS = ["label", "label!", "until"];

/** There are the default networks alone, which are never pruned. */
const prune: Handler = ({ query }, rooms) => {
  for (const name of Object.keys(parseFilters(query.get("filters"))))
    if (!PRUNE_FILTERS.includes(name)) throw invalid(`invalid filter '${name}'`);
  rooms.events.publish("network", "prune", "", { reclaimed: "0" });
  return json({ NetworksDeleted: null });
};

export const handlers = { list, inspect, prune } satisfies Record<string, Handler>;
