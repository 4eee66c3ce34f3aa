// Which candidates belong where: to the arguments of each command, and to the values of its flags.
import {
  beginnings,
  type Completer,
  containerPath,
  containers,
  contexts,
  DIRECTIVE,
  files,
  images,
  isPaused,
  isRunning,
  isStopped,
  networks,
  nothing,
  oneOf,
  orContainer,
  pairs,
  upTo,
  volumePaths,
  volumes,
  type Which,
} from "./candidates.ts";

const running = containers();
const all = containers({ all: true });

/** Containers that are connected to the network before them, or those that aren't. */
const ofNetwork =
  (connected: boolean): Completer =>
  (session, typed) => {
    const [network = ""] = typed.args;
    const which: Which = ({ NetworkSettings }) =>
      Object.hasOwn(NetworkSettings?.Networks ?? {}, network) === connected;
    return containers({ all: true, which })(session, typed);
  };

/** Builds that the daemon remembers. */
const builds: Completer = async (session) => {
  const records = await session
    .client()
    .then((client) => client.builder.history())
    .catch(() => []);
  return { words: records.map(({ ref }) => ref), directive: DIRECTIVE.noFiles };
};

/** By the command's place in its group; those of a group that stand at the top level too are found under the group's. */
export const ARGUMENTS: Record<string, Completer> = {
  "builder build": files,
  "buildx build": files,
  "buildx history export": builds,
  "buildx history inspect": upTo(1, builds),
  "buildx history inspect attachment": upTo(1, builds),
  "buildx history logs": upTo(1, builds),
  "buildx history open": upTo(1, builds),
  "buildx history rm": builds,
  "image build": files,
  "container attach": upTo(1, containers({ which: isRunning })),
  "container commit": upTo(1, all),
  "container cp": upTo(2, containerPath),
  "container create": upTo(1, images, files),
  "container diff": upTo(1, all),
  "container exec": upTo(1, containers({ which: isRunning }), files),
  "container export": upTo(1, all),
  "container inspect": all,
  "container kill": running,
  "container logs": upTo(1, all),
  "container pause": containers({ which: isRunning }),
  "container port": upTo(1, running),
  "container rename": upTo(1, all),
  "container restart": all,
  "container rm": all,
  "container run": upTo(1, images, files),
  "container start": containers({ all: true, which: isStopped }),
  "container stats": running,
  "container stop": running,
  "container top": upTo(1, running),
  "container unpause": containers({ which: isPaused }),
  "container update": all,
  "container wait": running,
  "context export": upTo(1, contexts({ marksCurrent: true }), files),
  "context import": upTo(1, nothing, files),
  "context inspect": contexts({ marksCurrent: true }),
  "context rm": contexts({ marksCurrent: true }),
  "context update": upTo(1, contexts({ marksCurrent: true })),
  "context use": upTo(1, contexts({ marksCurrent: true })),
  "image history": upTo(1, images),
  "image import": upTo(1, files),
  "image inspect": images,
  "image ls": upTo(1, images),
  "image pull": upTo(1, images),
  "image push": upTo(1, images),
  "image rm": images,
  "image save": images,
  "image tag": upTo(2, images),
  "network connect": upTo(1, networks, upTo(2, ofNetwork(false))),
  "network disconnect": upTo(1, networks, upTo(2, ofNetwork(true))),
  "network inspect": networks,
  "network rm": networks,
  "volume clone": upTo(1, volumes),
  "volume cp": upTo(2, volumePaths),
  "volume export": upTo(1, volumes),
  "volume import": upTo(1, volumes, upTo(2, files)),
  "volume inspect": volumes,
  "volume rm": volumes,
  inspect: async (session, typed) => {
    const found = await Promise.all([all, images, networks, volumes].map((one) => one(session, typed)));
    return { words: [...new Set(found.flatMap(({ words }) => words))], directive: DIRECTIVE.noFiles };
  },
};

const NUMBERS = Array.from({ length: 16 }, (_, i) => (i ? `RTMIN+${i}` : "RTMIN"));
const SIGNALS = [
  ..."ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT".split(" "),
  ...NUMBERS,
  ...Array.from({ length: 14 }, (_, i) => `RTMAX-${14 - i}`),
  ..."RTMAX SEGV STKFLT STOP SYS TERM TRAP TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ".split(" "),
];

const CAPABILITIES =
  `ALL CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE
  NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT
  SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP
  MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE`
    .split(/\s+/)
    .map((name) => (name === "ALL" ? name : `CAP_${name}`));

const LIMITS =
  `as chroot core cpu data fsize locks maxlogins maxsyslogins memlock msgqueue nice nofile nproc priority rss
  rtprio sigpending stack`
    .split(/\s+/)
    .map((name) => `${name}=`);

const PLATFORMS =
  `linux/386 linux/amd64 linux/arm linux/arm/v5 linux/arm/v6 linux/arm/v7 linux/arm64 linux/arm64/v8
  linux/ppc64le linux/s390x linux/riscv64 windows/amd64 wasip1/wasm`.split(/\s+/);

const EVENTS =
  `create start restart stop checkpoint pause unpause attach detach resize update rename kill die oom destroy
  remove commit top copy archive-path extract-to-dir export import save load tag untag push pull prune delete enable
  disable connect disconnect reload mount unmount exec_create exec_start exec_die exec_detach health_status`.split(
    /\s+/,
  );

const LOG_OPTIONS: Record<string, string> = {
  "json-file": "max-buffer-size mode env env-regex labels compress max-file max-size",
  local: "max-buffer-size mode compress max-file max-size",
  journald: "max-buffer-size mode env env-regex labels tag",
  syslog:
    "max-buffer-size mode env env-regex labels syslog-address syslog-facility syslog-format syslog-tls-ca-cert syslog-tls-cert syslog-tls-key syslog-tls-skip-verify tag",
};

const environment: Completer = () => ({ words: Object.keys(process.env), directive: DIRECTIVE.noFiles });
const signals = oneOf(...SIGNALS);
const truth = oneOf("false", "true");

const securityOptions: Completer = (_, { word }) => {
  for (const [key, typed] of [
    ["apparmor=", 1],
    ["label=", 1],
    ["seccomp=", 2],
  ] as const)
    if (word.length >= typed && word !== key && key.startsWith(word))
      return { words: [key], directive: DIRECTIVE.noSpace };
  if (word.startsWith("label="))
    return {
      words: ["disable", "level:", "role:", "type:", "user:"].map((one) => `label=${one}`),
      directive: DIRECTIVE.noSpace | DIRECTIVE.noFiles,
    };
  if (word.startsWith("seccomp=")) return { words: ["seccomp=unconfined"], directive: DIRECTIVE.noFiles };
  return {
    words: ["apparmor=", "label=", "no-new-privileges", "seccomp=", "systempaths=unconfined"],
    directive: DIRECTIVE.noFiles,
  };
};

/** What the daemon has installed of a kind. */
const plugins =
  (kind: "Log" | "Network" | "Volume", ...builtIn: string[]): Completer =>
  async (session) => {
    const known = await session
      .client()
      .then((client) => client.system.info())
      .then((info) => info.Plugins?.[kind] ?? builtIn)
      .catch(() => builtIn);
    return { words: known, directive: DIRECTIVE.noFiles };
  };

const link: Completer = async (session, typed) => {
  const { words } = await all(session, typed);
  return { words: words.map((name) => `${name}:`), directive: DIRECTIVE.noSpace };
};

/** The flags that `run` and `create` share. Those that are not here have values that nobody can guess. */
const MAKING: Record<string, Completer> = {
  attach: oneOf("stderr", "stdin", "stdout"),
  "cap-add": oneOf(...CAPABILITIES),
  "cap-drop": oneOf(...CAPABILITIES),
  cgroupns: oneOf("host", "private"),
  cidfile: files,
  "detach-keys": beginnings("ctrl-"),
  device: files,
  env: environment,
  "env-file": files,
  ipc: orContainer("host", "none", "private", "shareable"),
  "label-file": files,
  link,
  "log-driver": plugins("Log", "json-file", "local", "journald", "syslog", "none"),
  "log-opt": beginnings(
    ...[...new Set(Object.values(LOG_OPTIONS).flatMap((names) => names.split(" ")))].map(
      (name) => `${name}=`,
    ),
  ),
  network: networks,
  pid: orContainer("host"),
  platform: oneOf(...PLATFORMS),
  pull: oneOf("always", "missing", "never"),
  restart: oneOf("no", "always", "on-failure", "unless-stopped"),
  "security-opt": securityOptions,
  "stop-signal": signals,
  "storage-opt": beginnings("size="),
  ulimit: beginnings(...LIMITS),
  userns: oneOf("host"),
  uts: oneOf("host"),
  "volume-driver": plugins("Volume", "local"),
  "volumes-from": all,
};

const filterOf = (keys: string, values: Record<string, Completer> = {}): Completer =>
  pairs(Object.fromEntries(keys.split(" ").map((key) => [key, values[key] ?? nothing])));

/** Flags whose values nobody can guess, and are no files. */
const notGuessed = (names: string) => Object.fromEntries(names.split(" ").map((name) => [name, nothing]));

/** The flags of `build`; those that are not here have values that nobody can guess. */
const BUILDING: Record<string, Completer> = {
  ...notGuessed(
    "add-host annotation attest builder cgroup-parent label no-cache-filter secret shm-size ssh tag target",
  ),
  allow: oneOf("device", "network.host", "security.insecure"),
  "build-arg": environment,
  "build-context": files,
  "cache-from": beginnings("type=local,src=", "type=registry,ref="),
  "cache-to": beginnings("type=inline", "type=local,dest=", "type=registry,ref="),
  call: oneOf("build", "check", "outline", "targets"),
  file: files,
  iidfile: files,
  "metadata-file": files,
  network: oneOf("default", "host", "none"),
  output: beginnings(
    "type=docker",
    "type=image",
    "type=local,dest=",
    "type=oci,dest=",
    "type=registry",
    "type=tar,dest=",
  ),
  platform: oneOf(...PLATFORMS),
  progress: oneOf("auto", "none", "plain", "quiet", "rawjson", "tty"),
  provenance: oneOf("false", "mode=max", "mode=min", "true"),
  sbom: truth,
  ulimit: beginnings(...LIMITS),
};

const CACHE_TYPES = oneOf(
  ..."exec.cachemount frontend internal regular source.git.checkout source.local".split(" "),
);

const FLAGS: Record<string, Record<string, Completer>> = {
  "builder build": BUILDING,
  "buildx build": BUILDING,
  "image build": BUILDING,
  "builder prune": { filter: filterOf("id type until", { type: CACHE_TYPES }) },
  "buildx prune": { filter: filterOf("id type until", { type: CACHE_TYPES }) },
  "buildx du": { filter: filterOf("id type until", { type: CACHE_TYPES }) },
  "buildx history ls": {
    filter: beginnings("ref=", "repository=", "status=", "startedAt>", "completedAt>", "duration>"),
  },
  "buildx history export": { output: files },
  "buildx history import": { file: files },
  "buildx history inspect": { format: oneOf("json", "pretty") },
  "buildx history inspect attachment": { type: oneOf("image", "index", "manifest", "provenance", "sbom") },
  "buildx history logs": { progress: oneOf("plain", "rawjson", "tty") },
  "buildx imagetools create": { file: files, progress: oneOf("auto", "none", "plain", "rawjson", "tty") },
  "container run": MAKING,
  "container create": MAKING,
  "container attach": { "detach-keys": beginnings("ctrl-") },
  "container exec": { env: environment, "env-file": files, "detach-keys": beginnings("ctrl-") },
  "container kill": { signal: signals },
  "container ls": {
    filter: filterOf(
      "ancestor before exited expose health id is-task label name network publish since status volume",
      {
        ancestor: images,
        before: all,
        health: oneOf("healthy", "none", "starting", "unhealthy"),
        "is-task": truth,
        name: all,
        network: networks,
        since: all,
        status: oneOf("created", "dead", "exited", "paused", "removing", "restarting", "running"),
        volume: volumes,
      },
    ),
  },
  "container prune": { filter: filterOf("label label! until") },
  "container restart": { signal: signals },
  "container start": { "detach-keys": beginnings("ctrl-") },
  "container stop": { signal: signals },
  "container update": { restart: MAKING.restart ?? nothing },
  "context create": { from: contexts(), docker: beginnings("from=", "host=", "ca=", "cert=", "key=") },
  "context update": { docker: beginnings("from=", "host=", "ca=", "cert=", "key=") },
  "image ls": {
    filter: filterOf("before dangling label reference since until", {
      before: images,
      dangling: truth,
      since: images,
    }),
  },
  "image prune": { filter: filterOf("label label! until") },
  "network connect": {
    ...notGuessed("alias driver-opt gw-priority ip ip6 link-local-ip"),
    link,
  },
  "network create": {
    ...notGuessed("aux-address gateway ip-range ipam-driver ipam-opt label opt subnet"),
    "config-from": networks,
    driver: plugins("Network", "bridge", "host", "ipvlan", "macvlan", "null", "overlay"),
    scope: oneOf("global", "local", "swarm"),
  },
  "network ls": {
    filter: filterOf("dangling driver id label name scope type", {
      dangling: truth,
      name: networks,
      scope: oneOf("global", "local", "swarm"),
      type: oneOf("builtin", "custom"),
    }),
  },
  "network prune": { filter: filterOf("label label! until") },
  "system events": {
    filter: filterOf("container daemon event image label network node scope type volume", {
      container: all,
      event: oneOf(...EVENTS),
      image: images,
      network: networks,
      scope: oneOf("local", "swarm"),
      type: oneOf(
        ..."builder config container daemon image network node plugin secret service volume".split(" "),
      ),
      volume: volumes,
    }),
  },
  "system prune": { filter: filterOf("label label! until") },
  "volume export": { output: files },
  "volume create": { driver: plugins("Volume", "local") },
  "volume ls": { filter: filterOf("dangling driver label name", { dangling: truth, name: volumes }) },
  "volume prune": { filter: filterOf("all label label!", { all: truth }) },
  inspect: {
    type: oneOf(..."config container image network node plugin secret service task volume".split(" ")),
    format: nothing,
  },
  "": {
    context: contexts(),
    "log-level": oneOf("debug", "info", "warn", "error", "fatal", "panic"),
  },
};

/** The candidates for a flag's value. `path` is the command's in its group, empty for the program's own flags. */
export function flagValues(path: string, name: string): Completer {
  const known = FLAGS[path]?.[name];
  if (known) return known;
  if (name === "platform") return oneOf(...PLATFORMS);
  return FLAGS[path] === MAKING ? nothing : files;
}
