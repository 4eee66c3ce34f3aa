// The flags of `run` and `create` that say how a container is to be (docs.docker.com/reference/cli/docker/container/run).
import { parseRam } from "../format/units.ts";
import { flag, parseInteger } from "../framework/flags.ts";
import {
  checkDnsSearch,
  checkEnvironment,
  checkExtraHost,
  checkIp,
  checkLabel,
  checkLink,
  checkSysctl,
} from "./key-values.ts";
import { parseMount } from "./mounts.ts";
import { parseNetwork } from "./networks.ts";
import {
  checkCgroupRule,
  parseByteRate,
  parseCpus,
  parseDeviceWeight,
  parseGpus,
  parseIoRate,
  parseSwap,
  parseUlimit,
} from "./resources.ts";

const bytes = flag.of("bytes", 0, parseRam);
const checked = (check: (text: string) => string) => flag.listOf("list", check);
const byteRates = flag.listOf("list", parseByteRate);
const ioRates = flag.listOf("list", parseIoRate);

function checkStream(text: string): string {
  const name = text.toLowerCase();
  if (!["stdin", "stdout", "stderr"].includes(name))
    throw new Error("valid streams are STDIN, STDOUT and STDERR");
  return name;
}

const CGROUPNS = `Cgroup namespace to use (host|private)
'host':    Run the container in the Docker host's cgroup namespace
'private': Run the container in its own private cgroup namespace
'':        Use the cgroup namespace as configured by the
           default-cgroupns-mode option on the daemon (default)`;

/** For containers of Windows: known, so that it can be said why they don't fit. */
const WINDOWS = { hidden: true, onlyOn: "windows" };

export const CONTAINER_FLAGS = {
  "add-host": checked(checkExtraHost)("Add a custom host-to-IP mapping (host:ip)"),
  annotation: flag.map(
    "Add an annotation to the container (passed through to the OCI runtime) (default map[])",
    { since: "1.43" },
  ),
  attach: checked(checkStream)("Attach to STDIN, STDOUT or STDERR", { short: "a" }),
  "blkio-weight": flag.uint16("Block IO (relative weight), between 10 and 1000, or 0 to disable (default 0)"),
  "blkio-weight-device": flag.listOf(
    "list",
    parseDeviceWeight,
  )("Block IO weight (relative device weight) (default [])"),
  "cap-add": flag.list("Add Linux capabilities"),
  "cap-drop": flag.list("Drop Linux capabilities"),
  "cgroup-parent": flag.string("Optional parent cgroup for the container"),
  cgroupns: flag.string(CGROUPNS, { since: "1.41" }),
  cidfile: flag.string("Write the container ID to the file"),
  "cpu-count": flag.int("CPU count (Windows only)", WINDOWS),
  "cpu-percent": flag.int("CPU percent (Windows only)", WINDOWS),
  "cpu-period": flag.int("Limit CPU CFS (Completely Fair Scheduler) period"),
  "cpu-quota": flag.int("Limit CPU CFS (Completely Fair Scheduler) quota"),
  "cpu-rt-period": flag.int("Limit CPU real-time period in microseconds"),
  "cpu-rt-runtime": flag.int("Limit CPU real-time runtime in microseconds"),
  "cpu-shares": flag.int("CPU shares (relative weight)", { short: "c" }),
  cpus: flag.of("decimal", 0, parseCpus)("Number of CPUs"),
  "cpuset-cpus": flag.string("CPUs in which to allow execution (0-3, 0,1)"),
  "cpuset-mems": flag.string("MEMs in which to allow execution (0-3, 0,1)"),
  device: flag.list("Add a host device to the container"),
  "device-cgroup-rule": checked(checkCgroupRule)("Add a rule to the cgroup allowed devices list"),
  "device-read-bps": byteRates("Limit read rate (bytes per second) from a device (default [])"),
  "device-read-iops": ioRates("Limit read rate (IO per second) from a device (default [])"),
  "device-write-bps": byteRates("Limit write rate (bytes per second) to a device (default [])"),
  "device-write-iops": ioRates("Limit write rate (IO per second) to a device (default [])"),
  dns: checked(checkIp)("Set custom DNS servers"),
  "dns-option": flag.list("Set DNS options"),
  "dns-search": checked(checkDnsSearch)("Set custom DNS search domains"),
  domainname: flag.string("Container NIS domain name"),
  entrypoint: flag.string("Overwrite the default ENTRYPOINT of the image"),
  env: checked(checkEnvironment)("Set environment variables", { short: "e" }),
  "env-file": flag.list("Read in a file of environment variables"),
  expose: flag.list("Expose a port or a range of ports"),
  gpus: flag.listOf("gpu-request", parseGpus)(
    "GPU devices to add to the container ('all' to pass all GPUs)",
    { since: "1.40" },
  ),
  "group-add": flag.list("Add additional groups to join"),
  "health-cmd": flag.string("Command to run to check health"),
  "health-interval": flag.duration("Time between running the check (ms|s|m|h) (default 0s)"),
  "health-retries": flag.int("Consecutive failures needed to report unhealthy"),
  "health-start-interval": flag.duration(
    "Time between running the check during the start period (ms|s|m|h) (default 0s)",
    { since: "1.44" },
  ),
  "health-start-period": flag.duration(
    "Start period for the container to initialize before starting health-retries countdown (ms|s|m|h) (default 0s)",
  ),
  "health-timeout": flag.duration("Maximum time to allow one check to run (ms|s|m|h) (default 0s)"),
  hostname: flag.string("Container host name", { short: "h" }),
  init: flag.bool("Run an init inside the container that forwards signals and reaps processes"),
  interactive: flag.bool("Keep STDIN open even if not attached", { short: "i" }),
  "io-maxbandwidth": bytes("Maximum IO bandwidth limit for the system drive (Windows only)", WINDOWS),
  "io-maxiops": flag.of("uint", 0, (text) => parseInteger(text, { min: 0, max: 2 ** 64 }))(
    "Maximum IOps limit for the system drive (Windows only)",
    WINDOWS,
  ),
  ip: flag.string("IPv4 address (e.g., 172.30.100.104)"),
  ip6: flag.string("IPv6 address (e.g., 2001:db8::33)"),
  ipc: flag.string("IPC mode to use"),
  isolation: flag.string("Container isolation technology"),
  "kernel-memory": bytes("Kernel memory limit"),
  label: checked(checkLabel)("Set meta data on a container", { short: "l" }),
  "label-file": flag.list("Read in a line delimited file of labels"),
  link: checked(checkLink)("Add link to another container"),
  "link-local-ip": flag.list("Container IPv4/IPv6 link-local addresses"),
  "log-driver": flag.string("Logging driver for the container"),
  "log-opt": flag.list("Log driver options"),
  "mac-address": flag.string("Container MAC address (e.g., 92:d0:c6:0a:29:33)"),
  memory: bytes("Memory limit", { short: "m" }),
  "memory-reservation": bytes("Memory soft limit"),
  "memory-swap": flag.of(
    "bytes",
    0,
    parseSwap,
  )("Swap limit equal to memory plus swap: '-1' to enable unlimited swap"),
  "memory-swappiness": flag.int("Tune container memory swappiness (0 to 100) (default -1)", { default: -1 }),
  mount: flag.listOf("mount", parseMount)("Attach a filesystem mount to the container"),
  network: flag.listOf("network", parseNetwork)("Connect a container to a network"),
  "network-alias": flag.list("Add network-scoped alias for the container"),
  "no-healthcheck": flag.bool("Disable any container-specified HEALTHCHECK"),
  "oom-kill-disable": flag.bool("Disable OOM Killer"),
  "oom-score-adj": flag.int("Tune host's OOM preferences (-1000 to 1000)"),
  pid: flag.string("PID namespace to use"),
  "pids-limit": flag.int("Tune container pids limit (set -1 for unlimited)"),
  privileged: flag.bool("Give extended privileges to this container"),
  publish: flag.list("Publish a container's port(s) to the host", { short: "p" }),
  "publish-all": flag.bool("Publish all exposed ports to random ports", { short: "P" }),
  "read-only": flag.bool("Mount the container's root filesystem as read only"),
  restart: flag.string('Restart policy to apply when a container exits (default "no")', { default: "no" }),
  rm: flag.bool("Automatically remove the container and its associated anonymous volumes when it exits"),
  runtime: flag.string("Runtime to use for this container"),
  "security-opt": flag.list("Security Options"),
  "shm-size": bytes("Size of /dev/shm"),
  "stop-signal": flag.string("Signal to stop the container"),
  "stop-timeout": flag.int("Timeout (in seconds) to stop a container"),
  "storage-opt": flag.list("Storage driver options for the container"),
  sysctl: flag.map("Sysctl options (default map[])", { check: checkSysctl }),
  tmpfs: flag.list("Mount a tmpfs directory"),
  tty: flag.bool("Allocate a pseudo-TTY", { short: "t" }),
  ulimit: flag.listOf("ulimit", parseUlimit)("Ulimit options (default [])"),
  user: flag.string("Username or UID (format: <name|uid>[:<group|gid>])", { short: "u" }),
  userns: flag.string("User namespace to use"),
  uts: flag.string("UTS namespace to use"),
  volume: flag.list("Bind mount a volume", { short: "v" }),
  "volume-driver": flag.string("Optional volume driver for the container"),
  "volumes-from": flag.list("Mount volumes from the specified container(s)"),
  workdir: flag.string("Working directory inside the container", { short: "w" }),
  "dns-opt": flag.alias("dns-option", "list"),
  net: flag.alias("network", "network"),
  "net-alias": flag.alias("network-alias", "list"),
};
