// `context inspect`: what a context says, and where it lies.
import { goJson } from "../../../base/go-json.ts";
import { contextNamed, type NamedContext } from "../../contexts/named.ts";
import { endpointsOf, metadataOf } from "../../contexts/store.ts";
import { command } from "../../framework/command.ts";
import { flag } from "../../framework/flags.ts";
import { JSON_FORMAT } from "../../usage-texts.ts";
import { inspectObjects } from "../inspect-objects.ts";

export default command({
  synopsis: "[OPTIONS] [CONTEXT] [CONTEXT...]",
  about: "Display detailed information on one or more contexts",
  args: "any",
  flags: { format: flag.string(JSON_FORMAT, { short: "f" }) },
  async run(session, { args, flags }) {
    const names = args.length > 0 ? args : [await session.contextName()];
    const typed = flags.format !== "" && flags.format !== "json";
    const find = async (name: string) => {
      const found = await contextNamed(session, name);
      return typed ? asGo(found) : asJson(found);
    };
    await inspectObjects(session, names, flags.format, find, {
      json: goJson,
      compile: async (source) => (await import("../../../base/template/index.ts")).compileTemplate(source),
    });
  },
});

const tlsNames = ({ tls }: NamedContext) =>
  Object.fromEntries(Object.entries(tls).map(([endpoint, files]) => [endpoint, Object.keys(files)]));

const asJson = (found: NamedContext) => ({
  Name: found.context.name,
  Metadata: metadataOf(found.context),
  Endpoints: endpointsOf(found.context),
  TLSMaterial: tlsNames(found),
  Storage: found.storage,
});

/** The structures that a template of Docker's client walks over: `{{.Metadata.Metadata.Description}}`. */
async function asGo(found: NamedContext): Promise<object> {
  const { structOf } = await import("../../../base/template/index.ts");
  const { context, storage } = found;
  const endpoints: Record<string, unknown> = { ...endpointsOf(context) };
  if (context.docker) {
    const { Host = "", SkipTLSVerify } = context.docker;
    endpoints.docker = structOf({ Host, SkipTLSVerify }, "docker.EndpointMeta", ["Host", "SkipTLSVerify"]);
  }
  const description = structOf(
    { Description: context.description, AdditionalFields: context.fields },
    "command.DockerContext",
    ["Description", "AdditionalFields"],
  );
  const metadata = structOf(
    { Name: context.name, Metadata: description, Endpoints: endpoints },
    "store.Metadata",
    ["Name", "Metadata", "Endpoints"],
  );
  const whole = {
    Metadata: metadata,
    TLSMaterial: tlsNames(found),
    Storage: structOf({ ...storage }, "store.StorageInfo", ["MetadataPath", "TLSPath"]),
  };
  // An embedded structure's fields are the outer one's too.
  for (const [name, value] of Object.entries({ Name: context.name, Endpoints: endpoints }))
    Object.defineProperty(whole, name, { value });
  Object.defineProperty(whole, "toJSON", { value: () => asJson(found) });
  return structOf(whole, "context.contextWithTLSListing", ["Metadata", "TLSMaterial", "Storage"]);
}
