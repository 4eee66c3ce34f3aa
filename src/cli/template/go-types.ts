// What JSON doesn't say of Docker's Go structures, and templates show: which objects are structures (and print as
// {…}) and which are maps, what a field that was left out or is null prints as. Only the structures that people print
// whole are listed; every other object that isn't a known map is a structure with the fields that came.
import { structOf, TypedNil } from "./values.ts";

type Zero = "" | 0 | false | "slice" | "map" | "pointer";

/** Fields in Go's order with the zero value of each, by the key under which the structure stands. */
const STRUCTURES: Record<string, Record<string, Zero>> = {
  State: {
    Status: "",
    Running: false,
    Paused: false,
    Restarting: false,
    OOMKilled: false,
    Dead: false,
    Pid: 0,
    ExitCode: 0,
    Error: "",
    StartedAt: "",
    FinishedAt: "",
    Health: "pointer",
  },
  Config: {
    Hostname: "",
    Domainname: "",
    User: "",
    AttachStdin: false,
    AttachStdout: false,
    AttachStderr: false,
    ExposedPorts: "map",
    Tty: false,
    OpenStdin: false,
    StdinOnce: false,
    Env: "slice",
    Cmd: "slice",
    Healthcheck: "pointer",
    ArgsEscaped: false,
    Image: "",
    Volumes: "map",
    WorkingDir: "",
    Entrypoint: "slice",
    NetworkDisabled: false,
    MacAddress: "",
    OnBuild: "slice",
    Labels: "map",
    StopSignal: "",
    StopTimeout: "pointer",
    Shell: "slice",
  },
  Mounts: {
    Type: "",
    Name: "",
    Source: "",
    Destination: "",
    Driver: "",
    Mode: "",
    RW: false,
    Propagation: "",
  },
  GraphDriver: { Data: "map", Name: "" },
  RestartPolicy: { Name: "", MaximumRetryCount: 0 },
  LogConfig: { Type: "", Config: "map" },
  RootFS: { Type: "", Layers: "slice" },
  IPAM: { Driver: "", Options: "map", Config: "slice" },
};

/** Keys whose value is a map in Go; what stands under LogConfig.Config is one too. */
const MAPS = new Set(
  "Labels Ports Networks Volumes ExposedPorts Sysctls Tmpfs StorageOpt Annotations Options DriverOpts PortBindings Data Containers Status AuxiliaryAddresses GenericResources".split(
    " ",
  ),
);

/** Keys that are pointers where they are null; the other nulls are lists. */
const POINTERS = new Set(
  "Health Healthcheck StopTimeout OomKillDisable PidsLimit MemorySwappiness Init SizeRw SizeRootFs IPAMConfig UsageData ImageManifestDescriptor Descriptor ContainerIDFile".split(
    " ",
  ),
);

/**
 * The same data with its structures marked, as the typed value that Docker's CLI formats first. The value is a
 * copy; maps stay plain objects.
 */
export function asGoStructures(value: unknown, key = ""): unknown {
  if (value === null) return nilOf(key);
  if (Array.isArray(value)) return value.map((item) => asGoStructures(item, key));
  if (typeof value !== "object") return value;
  const isMap =
    MAPS.has(key) || (key === "Config" && Object.values(value).every((item) => typeof item === "string"));
  const entries = Object.entries(value).map(
    ([name, item]) => [name, asGoStructures(item, isMap ? "" : name)] as const,
  );
  if (isMap) return Object.fromEntries(entries);
  const known = STRUCTURES[key];
  // `json` shows what came: the zero values below are for printing, and Go leaves them out where the daemon did.
  const asItCame = <T extends object>(made: T): T =>
    Object.defineProperty(made, "toJSON", { value: () => value });
  if (!known) return asItCame(structOf(Object.fromEntries(entries), `types.${key || "Value"}`));
  const zeros = Object.entries(known).map(([name, zero]) => [name, zeroOf(zero)] as const);
  return asItCame(structOf(Object.fromEntries([...zeros, ...entries]), `types.${key}`, Object.keys(known)));
}

function nilOf(key: string): TypedNil {
  if (MAPS.has(key)) return new TypedNil("map", "map[string]string");
  return POINTERS.has(key) ? new TypedNil("pointer", `*types.${key}`) : new TypedNil("slice", "[]string");
}

function zeroOf(zero: Zero): unknown {
  if (zero === "slice" || zero === "map" || zero === "pointer")
    return new TypedNil(
      zero,
      zero === "slice" ? "[]string" : zero === "map" ? "map[string]string" : "*types.Value",
    );
  return zero;
}
