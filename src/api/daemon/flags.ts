// The daemon's options: dockerd's names, daemon.json keys, defaults and help texts, as data. What an option means is in
// config.ts. Source: `dockerd --help` of Docker 28.5 and https://docs.docker.com/reference/cli/dockerd/.

/** What a value looks like; the name is what `--help` shows. */
export type FlagKind =
  | "bool"
  | "string"
  | "int"
  | "bytes"
  | "ip"
  | "list"
  | "ipSlice"
  | "map"
  | "mapmap"
  | "ulimit"
  | "runtime"
  | "pool-options";

export interface Flag {
  name: string;
  short?: string;
  kind: FlagKind;
  /** The key in daemon.json where it differs from the name; null: a flag only. */
  key?: string | null;
  help: string;
  /** As `--help` shows it: (default X). */
  shown?: string;
  /** Why Berth refuses it. Neutral values (false, empty) pass, so that a file that spells out defaults still works. */
  refused?: string;
  /** Why nothing reads it: what it asks for is so anyway. */
  always?: string;
}

const SWARM = "Berth has no Swarm mode";
const CONTAINERD = "Berth works without containerd";

/** In the order of `--help`. */
export const FLAGS: readonly Flag[] = [
  {
    name: "add-runtime",
    kind: "runtime",
    key: "runtimes",
    help: "Register an additional OCI compatible runtime",
    shown: "[]",
  },
  {
    name: "allow-direct-routing",
    kind: "bool",
    help: "Allow remote access to published ports on container IP addresses",
    refused: "not implemented",
  },
  {
    name: "allow-insecure-tcp",
    kind: "bool",
    help: "Serve TCP without client certificates on addresses that are not loopback: whoever reaches them is root here",
  },
  {
    name: "authorization-plugin",
    kind: "list",
    key: "authorization-plugins",
    help: "Authorization plugins to load",
    refused: "Berth has no plugins, and would let through what the plugin is to refuse",
  },
  { name: "bip", kind: "string", help: "IPv4 address for the default bridge" },
  { name: "bip6", kind: "string", help: "IPv6 address for the default bridge" },
  { name: "bridge", short: "b", kind: "string", help: "Attach containers to a network bridge" },
  {
    name: "cdi-spec-dir",
    kind: "list",
    key: "cdi-spec-dirs",
    help: "CDI specification directories to use",
  },
  { name: "cgroup-parent", kind: "string", help: "Set parent cgroup for all containers" },
  {
    name: "config-file",
    kind: "string",
    key: null,
    help: "Daemon configuration file",
    shown: '"/etc/berth/daemon.json"',
  },
  { name: "containerd", kind: "string", help: "containerd grpc address", refused: CONTAINERD },
  {
    name: "containerd-namespace",
    kind: "string",
    help: "Containerd namespace to use",
    refused: CONTAINERD,
  },
  {
    name: "containerd-plugins-namespace",
    kind: "string",
    key: "containerd-plugin-namespace",
    help: "Containerd namespace to use for plugins",
    refused: CONTAINERD,
  },
  {
    name: "cpu-rt-period",
    kind: "int",
    help: "Limit the CPU real-time period in microseconds for the parent cgroup for all containers (not supported with cgroups v2)",
    refused: "not implemented",
  },
  {
    name: "cpu-rt-runtime",
    kind: "int",
    help: "Limit the CPU real-time runtime in microseconds for the parent cgroup for all containers (not supported with cgroups v2)",
    refused: "not implemented",
  },
  {
    name: "cri-containerd",
    kind: "bool",
    help: "start containerd with cri",
    refused: CONTAINERD,
  },
  {
    name: "data-root",
    kind: "string",
    help: "Root directory of persistent Docker state",
    shown: '"/var/lib/berth"',
  },
  { name: "debug", short: "D", kind: "bool", help: "Enable debug mode" },
  {
    name: "default-address-pool",
    kind: "pool-options",
    key: "default-address-pools",
    help: "Default address pools for node specific local networks",
  },
  {
    name: "default-cgroupns-mode",
    kind: "string",
    help: 'Default mode for containers cgroup namespace ("host" | "private")',
  },
  {
    name: "default-gateway",
    kind: "ip",
    help: "Default gateway IPv4 address for the default bridge network",
  },
  {
    name: "default-gateway-v6",
    kind: "ip",
    help: "Default gateway IPv6 address for the default bridge network",
  },
  {
    name: "default-ipc-mode",
    kind: "string",
    help: 'Default mode for containers ipc ("shareable" | "private")',
    shown: '"private"',
  },
  {
    name: "default-network-opt",
    kind: "mapmap",
    key: "default-network-opts",
    help: "Default network options",
    shown: "map[]",
  },
  {
    name: "default-runtime",
    kind: "string",
    help: "Default OCI runtime for containers",
    shown: '"crun" where it runs, else "runc"',
  },
  {
    name: "default-shm-size",
    kind: "bytes",
    help: "Default shm size for containers",
    shown: "64MiB",
  },
  {
    name: "default-ulimit",
    kind: "ulimit",
    key: "default-ulimits",
    help: "Default ulimits for containers",
    shown: "[]",
  },
  { name: "dns", kind: "ipSlice", help: "DNS server to use", shown: "[]" },
  { name: "dns-opt", kind: "list", key: "dns-opts", help: "DNS options to use" },
  { name: "dns-search", kind: "list", help: "DNS search domains to use" },
  { name: "exec-opt", kind: "list", key: "exec-opts", help: "Runtime execution options" },
  {
    name: "exec-root",
    kind: "string",
    help: "Root directory for execution state files",
    shown: '"/run/berth"',
  },
  { name: "experimental", kind: "bool", help: "Enable experimental features" },
  {
    name: "feature",
    kind: "map",
    key: "features",
    help: "Enable feature in the daemon",
    shown: "map[]",
  },
  { name: "fixed-cidr", kind: "string", help: "IPv4 subnet for the default bridge network" },
  { name: "fixed-cidr-v6", kind: "string", help: "IPv6 subnet for the default bridge network" },
  {
    name: "group",
    short: "G",
    kind: "string",
    help: "Group for the unix socket",
    shown: '"docker"',
  },
  { name: "help", short: "h", kind: "bool", key: null, help: "Print usage" },
  { name: "host", short: "H", kind: "list", key: "hosts", help: "Daemon socket(s) to connect to" },
  {
    name: "host-gateway-ip",
    kind: "list",
    key: "host-gateway-ips",
    help: "IP addresses that the special 'host-gateway' string in --add-host resolves to. Defaults to the IP addresses of the default bridge",
  },
  { name: "http-proxy", kind: "string", help: "HTTP proxy URL to use for outgoing traffic" },
  { name: "https-proxy", kind: "string", help: "HTTPS proxy URL to use for outgoing traffic" },
  {
    name: "icc",
    kind: "bool",
    help: "Enable inter-container communication for the default bridge network",
    shown: "true",
  },
  {
    name: "init",
    kind: "bool",
    help: "Run an init in the container to forward signals and reap processes",
  },
  { name: "init-path", kind: "string", help: "Path to the docker-init binary" },
  {
    name: "insecure-registry",
    kind: "list",
    key: "insecure-registries",
    help: "Enable insecure registry communication",
  },
  {
    name: "ip",
    kind: "ip",
    help: "Host IP for port publishing from the default bridge network",
    shown: "0.0.0.0",
  },
  {
    name: "ip-forward",
    kind: "bool",
    help: "Enable IP forwarding in system configuration",
    shown: "true",
  },
  {
    name: "ip-forward-no-drop",
    kind: "bool",
    help: "Do not set the filter-FORWARD policy to DROP when enabling IP forwarding",
    refused:
      "Berth sets no policy: rules of its own keep a host that did not forward from routing between its networks",
  },
  {
    name: "ip-masq",
    kind: "bool",
    help: "Enable IP masquerading for the default bridge network",
    shown: "true",
  },
  { name: "ip6tables", kind: "bool", help: "Enable addition of ip6tables rules", shown: "true" },
  { name: "iptables", kind: "bool", help: "Enable addition of iptables rules", shown: "true" },
  { name: "ipv6", kind: "bool", help: "Enable IPv6 networking for the default bridge network" },
  { name: "label", kind: "list", key: "labels", help: "Set key=value labels to the daemon" },
  {
    name: "live-restore",
    kind: "bool",
    help: "Enable live restore of docker when containers are still running",
  },
  {
    name: "log-driver",
    kind: "string",
    help: "Default driver for container logs",
    shown: '"json-file"',
  },
  {
    name: "log-format",
    kind: "string",
    help: 'Set the logging format ("text"|"json")',
    shown: '"text"',
  },
  {
    name: "log-level",
    short: "l",
    kind: "string",
    help: 'Set the logging level ("debug"|"info"|"warn"|"error"|"fatal")',
    shown: '"info"',
  },
  {
    name: "log-opt",
    kind: "map",
    key: "log-opts",
    help: "Default log driver options for containers",
    shown: "map[]",
  },
  {
    name: "max-concurrent-downloads",
    kind: "int",
    help: "Set the max concurrent downloads",
    shown: "3",
  },
  {
    name: "max-concurrent-uploads",
    kind: "int",
    help: "Set the max concurrent uploads",
    shown: "5",
  },
  {
    name: "max-download-attempts",
    kind: "int",
    help: "Set the max download attempts for each pull",
    shown: "5",
  },
  {
    name: "metrics-addr",
    kind: "string",
    help: "Set default address and port to serve the metrics api on",
    refused: "not implemented",
  },
  {
    name: "mtu",
    kind: "int",
    help: 'Set the MTU for the default "bridge" network',
    shown: "1500",
  },
  {
    name: "network-control-plane-mtu",
    kind: "int",
    help: "Network Control plane MTU",
    refused: SWARM,
  },
  {
    name: "no-new-privileges",
    kind: "bool",
    help: "Set no-new-privileges by default for new containers",
  },
  {
    name: "no-proxy",
    kind: "string",
    help: "Comma-separated list of hosts or IP addresses for which the proxy is skipped",
  },
  {
    name: "node-generic-resource",
    kind: "list",
    key: "node-generic-resources",
    help: "Advertise user-defined resource",
    refused: SWARM,
  },
  {
    name: "pidfile",
    short: "p",
    kind: "string",
    help: "Path to use for daemon PID file",
    shown: '"/run/berth/berth.pid"',
  },
  {
    name: "plugin-dir",
    kind: "list",
    key: "plugin-dirs",
    help: "Folders to look for plugins in, instead of those that Docker looks in",
  },
  {
    name: "raw-logs",
    kind: "bool",
    help: "Full timestamps without ANSI coloring",
    always: "logs have full timestamps and no colours",
  },
  {
    name: "registry-mirror",
    kind: "list",
    key: "registry-mirrors",
    help: "Preferred Docker registry mirror",
  },
  {
    name: "rootless",
    kind: "bool",
    help: "Enable rootless mode; typically used with RootlessKit",
    refused: "rootless mode is not implemented",
  },
  {
    name: "seccomp-profile",
    kind: "string",
    help: 'Path to seccomp profile. Set to "unconfined" to disable the default seccomp profile',
    shown: '"builtin"',
  },
  {
    name: "selinux-enabled",
    kind: "bool",
    help: "Enable selinux support",
    refused: "SELinux labels are not implemented",
  },
  { name: "shutdown-timeout", kind: "int", help: "Set the default shutdown timeout", shown: "15" },
  { name: "storage-driver", short: "s", kind: "string", help: "Storage driver to use" },
  {
    name: "storage-opt",
    kind: "list",
    key: "storage-opts",
    help: "Storage driver options",
    refused: "not implemented",
  },
  {
    name: "swarm-default-advertise-addr",
    kind: "string",
    help: "Set default address or interface for swarm advertised address",
    refused: SWARM,
  },
  { name: "tls", kind: "bool", help: "Use TLS; implied by --tlsverify" },
  { name: "tlscacert", kind: "string", help: "Trust certs signed only by this CA" },
  { name: "tlscert", kind: "string", help: "Path to TLS certificate file" },
  { name: "tlskey", kind: "string", help: "Path to TLS key file" },
  { name: "tlsverify", kind: "bool", help: "Use TLS and verify the remote" },
  {
    name: "userland-proxy",
    kind: "bool",
    help: "Use userland proxy for loopback traffic",
    shown: "true",
  },
  {
    name: "userland-proxy-path",
    kind: "string",
    help: "Path to the userland proxy binary",
    refused: "the containers' shims forward by themselves: there is no other binary",
  },
  {
    name: "userns-remap",
    kind: "string",
    help: "User/Group setting for user namespaces",
    refused: "user namespace remapping is not implemented",
  },
  {
    name: "validate",
    kind: "bool",
    key: null,
    help: "Validate daemon configuration and exit",
  },
  { name: "version", short: "v", kind: "bool", key: null, help: "Print version information and quit" },
];

/** Keys of daemon.json that have no flag of their own. */
export const FILE_ONLY: readonly string[] = ["builder", "proxies", "allow-nondistributable-artifacts"];

export const keyOf = (flag: Flag): string | null => (flag.key === undefined ? flag.name : flag.key);
const byName = new Map(FLAGS.map((flag) => [flag.name, flag]));
const byKey = new Map(FLAGS.flatMap((flag) => (keyOf(flag) ? [[keyOf(flag)!, flag] as const] : [])));
export const flagNamed = (name: string): Flag | undefined => byName.get(name);
export const flagOfKey = (key: string): Flag | undefined => byKey.get(key);
