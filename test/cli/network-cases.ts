// Command lines about networks, and a daemon of fixed answers for them: what Docker's client asks of it and prints is recorded
// (record-networks.ts), and ours is held to it (networks.test.ts).
import type { Client, Result } from "../clients/client.ts";
import type { Answering, Asked, RecordingDaemon } from "../fixtures/recording-daemon.ts";

export interface NetworkCase {
  words: string[];
  /** Typed at a question. */
  input?: string;
  /** Where ours does otherwise: what, and why. */
  difference?: Partial<Recorded> & { reason: string };
}

export interface Recorded extends Result {
  asked: Asked[];
}

const line = (text: string): NetworkCase => ({ words: text === "" ? [] : text.split(" ") });
const ID = "0123456789abcdef".repeat(4);

/** What belongs behind `network create`. */
const CREATE = [
  "n",
  "--driver macvlan n",
  "-d ipvlan -o parent=eth0 -o ipvlan_mode=l3 n",
  "-d= n",
  "--opt com.docker.network.bridge.name=br0 --opt com.docker.network.driver.mtu=1400 -o flag n",
  "-o a=b=c -o a=d -o =x n",
  "--label a --label b=c --label d=e=f n",
  "--label =x n",
  "--internal n",
  "--internal=false --attachable --ingress n",
  "--attachable=maybe n",
  "--ipv6 n",
  "--ipv6=false n",
  "--ipv4 n",
  "--ipv4=false --ipv6 n",
  "--scope swarm n",
  "--config-only --subnet 10.1.0.0/24 n",
  "--config-from other n",
  "--ipam-driver own --ipam-opt a=b --ipam-opt c n",
  "--ipam-driver= n",
  "--subnet 10.1.0.0/24 n",
  "--subnet 10.1.0.0/24 --gateway 10.1.0.1 --ip-range 10.1.0.128/25 n",
  "--subnet 10.1.0.0/24 --aux-address a=10.1.0.5 --aux-address b=10.1.0.6 n",
  "--subnet 10.1.0.0/24,10.2.0.0/24 --gateway 10.2.0.1,10.1.0.1 n",
  "--subnet 10.1.0.0/24 --subnet fd00:1::/64 --ip-range fd00:1::/80 --gateway fd00:1::1 --aux-address h=fd00:1::2 --ipv6 n",
  "--subnet fd00:1::/64 n",
  "--subnet 10.1.0.0/24 --subnet 10.1.0.0/24 n",
  "--subnet 10.1.0.0/16 --subnet 10.1.5.0/24 n",
  "--subnet 10.1.5.0/24 --subnet 10.1.0.0/16 n",
  "--subnet 10.1.5.9/24 --subnet 10.1.5.200/24 n",
  "--subnet fd00::/8 --subnet fd12::/16 n",
  "--subnet 0.0.0.0/0 --subnet 10.0.0.0/8 n",
  "--subnet 0.0.0.0/0 --subnet ::/0 n",
  "--subnet ::ffff:10.0.0.0/104 --subnet 10.4.0.0/16 n",
  "--subnet ::ffff:10.0.0.0/104 --gateway 10.9.9.9 n",
  "--subnet ::ffff:10.0.0.0/64 --gateway 200.9.9.9 n",
  "--subnet 10.0.0.0/8 --gateway ::ffff:10.9.9.9 n",
  "--subnet ::ffff:0:0/96 --gateway ::ffff:a09:909 n",
  "--subnet 64:ff9b::10.0.0.0/104 --gateway 64:ff9b::a12:1 n",
  "--subnet nonsense n",
  "--subnet nonsense --gateway 10.0.0.1 n",
  "--subnet 10.0.0.0/8 --subnet nonsense n",
  "--subnet nonsense --subnet 10.0.0.0/8 n",
  "--subnet 10.0.0.0 --gateway 10.0.0.1 n",
  "--subnet 10.0.0.0/33 --gateway 10.0.0.1 n",
  "--subnet 010.0.0.0/8 --gateway 10.0.0.1 n",
  "--subnet fe80::1%eth0/64 --gateway fe80::1 n",
  "--subnet 10.0.0.0/08 --gateway 10.0.0.1 n",
  "--subnet 10.0.0.0/ --gateway 10.0.0.1 n",
  "--gateway 10.0.0.1 n",
  "--ip-range 10.0.0.0/24 n",
  "--aux-address a=10.0.0.1 n",
  "--subnet 10.1.0.0/24 --gateway 10.1.0.1 --gateway 10.1.0.2 n",
  "--subnet 10.1.0.0/24 --subnet 10.2.0.0/24 --gateway 10.1.0.1 --gateway 10.1.0.2 n",
  "--subnet 10.1.0.0/24 --gateway 10.2.0.1 n",
  "--subnet 10.1.0.0/24 --gateway nonsense n",
  "--subnet 10.1.0.0/24 --gateway 10.1.0.1/24 n",
  "--subnet 10.1.0.0/24 --gateway 10.1.0.1/x n",
  "--subnet 10.1.0.0/24 --ip-range 10.2.0.0/25 n",
  "--subnet 10.1.0.0/24 --ip-range nonsense n",
  "--subnet 10.1.0.0/24 --ip-range 10.1.0.4 n",
  "--subnet 10.1.0.0/24 --ip-range 10.1.0.0/8 n",
  "--subnet 10.1.0.0/24 --subnet 10.2.0.0/24 --ip-range 10.1.0.0/25 --ip-range 10.1.0.128/25 n",
  "--subnet 10.1.0.0/24 --aux-address a=10.2.0.1 n",
  "--subnet 10.1.0.0/24 --aux-address a n",
  "--subnet 10.1.0.0/24 --aux-address a=10.1.0.1/x n",
  "--subnet 10.1.0.0/24 --aux-address =10.1.0.1 n",
  '--subnet "10.1.0.0/24",10.2.0.0/24 n',
  '--subnet 10."1 n',
  "--subnet= n",
  "--subnet 10.1.0.0/24, n",
  "taken",
  "warned",
  "",
  "a b",
  "--nosuch n",
  "--subnet",
].map((text) => line(`network create ${text}`.trimEnd()));

/** What belongs behind `network connect`. */
const CONNECT = [
  "n c",
  "--alias a n c",
  "--alias a,b --alias c n c",
  "--alias= n c",
  "--ip 10.1.0.5 n c",
  "--ip6 fd00::5 n c",
  "--ip nonsense --ip6 nonsense n c",
  "--link-local-ip 169.254.1.1,fe80::1 --link-local-ip 169.254.1.2 n c",
  "--link a --link b:c n c",
  "--link a:b:c n c",
  "--link= n c",
  "--driver-opt a=b --driver-opt c=d=e,f= n c",
  "--driver-opt a n c",
  "--driver-opt =a n c",
  "--gw-priority 5 n c",
  "--gw-priority=-5 n c",
  "--gw-priority x n c",
  "--alias a --ip 10.1.0.5 --ip6 fd00::5 --link x:y --link-local-ip 169.254.1.1 --driver-opt k=v --gw-priority 1 n c",
  "missing c",
  "n missing",
  "n",
  "n c d",
  "n/../x c",
].map((text) => line(`network connect ${text}`));

const OTHERS = [
  "network disconnect n c",
  "network disconnect -f n c",
  "network disconnect --force=false n c",
  "network disconnect missing c",
  "network disconnect n missing",
  "network disconnect n",
  "network rm n",
  "network rm a b c",
  "network remove n",
  "network rm missing",
  "network rm -f missing",
  "network rm missing n busy",
  "network rm -f missing n busy",
  "network rm",
  "network inspect n",
  "network inspect -v n m",
  "network inspect -f {{.Name}} n missing m",
  "network inspect -f {{.Nosuch}} n",
  "network inspect missing",
  "network inspect",
  "inspect --type network n",
  "network ls",
  "network list",
  "network ls -q",
  "network ls -q --no-trunc",
  "network ls --no-trunc",
  "network ls --format json",
  "network ls --format {{.Name}}:{{.Driver}}:{{.Scope}}:{{.IPv4}}:{{.IPv6}}:{{.Internal}}:{{.Labels}}:{{.Label}}",
  'network ls --format {{.Name}}={{.Label"a"}}',
  "network ls --format {{.CreatedAt}}",
  "network ls --format raw",
  "network ls -q --format raw",
  "network ls --filter driver=bridge --filter dangling=true -f name=a -f name=b",
  "network ls --filter driver",
  "network ls x",
  "network prune -f",
  "network prune -f --filter until=24h --filter label=a=b --filter label!=c",
  "network prune --force --filter nothing=1",
  "network prune x",
  "network prune --filter x",
  "network",
  "network nosuch",
  "ps --filter network=n --filter network=m -q",
  "ps -a --filter network=n --format {{.Names}}\t{{.Networks}}\t{{.Ports}}",
].map(line);

const QUESTIONS: NetworkCase[] = [
  { words: ["network", "prune"], input: "y\n" },
  { words: ["network", "prune"], input: " Y \nmore" },
  { words: ["network", "prune"], input: "yes\n" },
  { words: ["network", "prune"], input: "n\n" },
  { words: ["network", "prune"], input: "" },
  { words: ["network", "prune", "--filter", "nothing=1"], input: "y\n" },
  { words: ["network", "rm", "ingress", "n"], input: "y\n" },
  { words: ["network", "rm", "ingress", "n"], input: "n\n" },
];

/** What belongs between `create` and the image. */
const CONTAINER = [
  "",
  "--network n",
  "--net n",
  "--network=n",
  "--network bridge",
  "--network default",
  "--network host",
  "--network none",
  "--network container:c",
  "--network nat",
  "--network=",
  "--network n --network m",
  "--network n --net m",
  "--network n --network n",
  "--network bridge --network n",
  "--network n --network host",
  "--network bridge --network host",
  "--network container:c --network n",
  "--network name=n",
  "--network NAME=N,ALIAS=A",
  "--network name=n,alias=a,alias=b",
  "--network name=n,alias=a --network name=m,alias=b",
  "--network name=n,ip=10.1.0.5,ip6=fd00::5",
  "--network name=n,ip=nonsense",
  "--network name=n,mac-address=02:42:ac:11:00:02",
  "--network name=n,mac-address=02-42-ac-11-00-02",
  "--network name=n,mac-address=0242.ac11.0002",
  "--network name=n,mac-address=nonsense",
  "--network name=n,mac-address=02:42",
  "--network name=n,link-local-ip=169.254.1.1,link-local-ip=fe80::1",
  "--network name=n,driver-opt=a=b,driver-opt=c=d=e",
  "--network name=n,driver-opt=A=B",
  "--network name=n,driver-opt=a",
  "--network name=n,driver-opt==b",
  '--network name=n,"driver-opt=a=b,c"',
  "--network name=n,gw-priority=10",
  "--network name=n,gw-priority=-10",
  "--network name=n,gw-priority=+3",
  "--network name=n,gw-priority=0",
  "--network name=n,gw-priority=x",
  "--network name=n,gw-priority=",
  "--network name=n,gw-priority=99999999999999999999",
  "--network name=n,gw-priority=1_0",
  "--network name=n,gw-priority=1 --network name=m,gw-priority=2",
  "--network name=bridge,ip=172.17.0.9",
  "--network name=bridge,gw-priority=1",
  "--network name=bridge,alias=a",
  "--network name=host,ip=10.0.0.1",
  "--network name=container:c,alias=a",
  "--network alias=a",
  "--network name=,alias=a",
  "--network name=n,nosuch=x",
  "--network name=n,links=x",
  "--network name=n,alias",
  "--network name=n,",
  "--network n,alias=a",
  "--network =n",
  "--network a=b",
  '--network name="n"',
  '--network "name=n"',
  "--network-alias a",
  "--network n --network-alias a --network-alias b",
  "--network n --net-alias a --network-alias b",
  "--network n --network-alias a,b",
  "--network n --network-alias=",
  "--network bridge --network-alias a",
  "--network host --network-alias a",
  "--network name=n,alias=a --network-alias b",
  "--network name=n --network-alias b",
  "--network n --network name=m,alias=x --network-alias b",
  "--ip 10.1.0.5",
  "--network n --ip 10.1.0.5 --ip6 fd00::5",
  "--network n --ip nonsense",
  "--network name=n,ip=10.1.0.5 --ip 10.1.0.6",
  "--network name=n,ip6=fd00::5 --ip6 fd00::6",
  "--network name=n,ip=10.1.0.5 --ip6 fd00::6",
  "--ip6 fd00::5",
  "--network host --ip 10.1.0.5",
  "--link-local-ip 169.254.1.1 --link-local-ip fe80::1",
  "--network n --link-local-ip 169.254.1.1",
  "--network name=n,link-local-ip=169.254.1.1 --link-local-ip 169.254.1.2",
  "--mac-address 02:42:ac:11:00:02",
  "--mac-address 02-42-AC-11-00-02",
  "--network n --mac-address 02:42:ac:11:00:02",
  "--network name=n,mac-address=02:42:ac:11:00:02 --mac-address 02:42:ac:11:00:03",
  "--network n --network m --mac-address 02:42:ac:11:00:02",
  "--mac-address nonsense",
  "--mac-address 02:42:ac:11:00",
  "--network host --mac-address 02:42:ac:11:00:02",
  "--link a",
  "--link a:b --link c",
  "--network n --link a:b",
  "--network bridge --link a:b",
  "--network host --link a:b",
  "--network default --link a:b",
  "--network n --network m --link a:b",
  "--network n --link a:b:c",
  "--link=",
  "-P",
  "-P --expose 80 --expose 90-92/udp",
  "--publish-all=false",
  "-p 80",
  "-p 8080:80",
  "-p 8080:80/udp",
  "-p 8080:80/UDP",
  "-p 8080:80/sctp",
  "-p 80/sctp",
  "-p 127.0.0.1:8080:80",
  "-p 127.0.0.1::80",
  "-p [::1]:8080:80",
  "-p [::1]::80/udp",
  "-p [::]:8080:80",
  "-p ::1:8080:80",
  "-p [fe80::1%eth0]:8080:80",
  "-p [::1:8080:80",
  "-p 8080-8083:80-83",
  "-p 8080-8083:80",
  "-p 8080-8082:80-83",
  "-p 80-83",
  "-p 127.0.0.1:8080-8083:80",
  "-p 127.0.0.1::80-83",
  "-p 0:80",
  "-p 80:0",
  "-p 65536:80",
  "-p 80:65536",
  "-p 9-8:80",
  "-p x:80",
  "-p 80:x",
  "-p :80",
  "-p 80:",
  "-p :",
  "-p=",
  "-p 80/",
  "-p 80/icmp",
  "-p 80:80/tcp/udp",
  "-p host:80:80",
  "-p 1.2.3:80:80",
  "-p 1:2:3:4",
  "-p 80:80 -p 80:80",
  "-p 80:80 -p 81:80 -p 80:80/udp",
  "-p published=8080,target=80",
  "-p published=8080,target=80,protocol=udp",
  "-p target=80",
  "-p published=8080-8081,target=80-81,protocol=sctp",
  "-p published=8080",
  "-p target=80,nosuch=x",
  "-p target=80,x",
  "-p 80:80 --expose 80 --expose 81",
  "--expose 80/sctp",
  "--expose 80-82",
  "--expose 82-80",
  "--expose x",
  "--expose 80:80",
  "--expose 80/icmp",
  "--expose 65536",
  "--expose=",
  "--network host -p 80:80",
  "--network none -p 80:80 --dns 1.1.1.1",
  "--network container:c -p 80:80",
  "--network container:c --hostname h",
  "--network host --dns 1.1.1.1 --add-host a:1.2.3.4",
  "--network n --dns 1.1.1.1 --dns-search example.com --dns-option ndots:2 --dns-opt timeout:1",
].map((text) => line(`create ${text} image`.replace("  ", " ")));

const RUN = [
  "run -d --network n --network name=m,alias=x,gw-priority=1 image",
  "run -d --network missing image",
  "run -d --network n --network host image",
  "run -d --network name=n,nosuch=x image",
  "run -d --network= image",
  "run -d -p x:80 image",
].map(line);

const COMPLETIONS = [
  ["network", ""],
  ["network", "create", ""],
  ["network", "connect", ""],
  ["network", "connect", "n", ""],
  ["network", "connect", "n", "one", ""],
  ["network", "disconnect", ""],
  ["network", "disconnect", "n", ""],
  ["network", "inspect", ""],
  ["network", "inspect", "n", ""],
  ["network", "rm", ""],
  ["network", "rm", "n", ""],
  ["network", "ls", ""],
  ["network", "prune", ""],
  ["network", "create", "--"],
  ["network", "connect", "--"],
  ["network", "disconnect", "--"],
  ["network", "rm", "-"],
  ["network", "prune", "--f"],
  ["run", "--network", ""],
].map((words) => ({ words: ["__complete", ...words] }));

/** Ports, as Docker's own build of its client reads them; the recorded one, Debian's, has an older go-connections. */
const ports = (...said: [words: string, error: string][]) =>
  said.map(([words, error]) => [
    `create ${words} image`,
    {
      stderr: `docker: ${error}\n\nRun 'docker create --help' for more information\n`,
      reason: "an older go-connections in the recorded client",
    },
  ]);

const DIFFERENCES: Record<string, NetworkCase["difference"]> = {
  "network connect n/../x c": {
    asked: [
      {
        method: "POST",
        path: "/networks/n%2F..%2Fx/connect",
        body: { Container: "c", EndpointConfig: { Aliases: [], DriverOpts: {}, IPAMConfig: {} } },
      },
    ],
    reason: "a name is one part of the path",
  },
  ...Object.fromEntries(
    ports(
      ["-p [fe80::1%eth0]:8080:80", "invalid IP address: fe80::1%eth0"],
      ["-p [::1:8080:80", "invalid IP address [::1: address [::1:: missing ']' in address"],
      ["-p 8080-8082:80-83", "invalid ranges specified for container and host Ports: 80-83 and 8080-8082"],
      ["-p 65536:80", "invalid hostPort: 65536"],
      ["-p 80:65536", "invalid containerPort: 65536"],
      ["-p 9-8:80", "invalid hostPort: 9-8"],
      ["-p x:80", "invalid hostPort: x"],
      ["-p 80:x", "invalid containerPort: x"],
      ["-p 80:", "invalid proto: "],
      ["-p :", "invalid proto: "],
      ["-p 80/icmp", "invalid proto: icmp"],
      ["-p host:80:80", "invalid IP address: host"],
      ["-p 1.2.3:80:80", "invalid IP address: 1.2.3"],
      ["-p 1:2:3:4", "invalid IP address: 1:2"],
      ["-p published=8080", "invalid proto: "],
      [
        "--expose 82-80",
        "invalid range format for --expose: 82-80, error: invalid range specified for port: 82-80",
      ],
      ["--expose=", "invalid range format for --expose: , error: empty string specified for ports"],
    ),
  ),
  "create -p ::1:8080:80 image": {
    code: 0,
    stdout: `${ID}\n`,
    stderr: "",
    asked: [
      {
        method: "POST",
        path: "/containers/create",
        body: {
          ExposedPorts: { "80/tcp": {} },
          HostConfig: {
            Dns: [],
            DnsOptions: [],
            DnsSearch: [],
            NetworkMode: "default",
            PortBindings: { "80/tcp": [{ HostIp: "::1", HostPort: "8080" }] },
          },
          NetworkingConfig: { EndpointsConfig: { default: {} } },
        },
      },
    ],
    reason: "an older go-connections in the recorded client",
  },
  "__complete network connect n one ": {
    stdout: ":4\n",
    asked: [],
    reason: "it takes two words",
  },
  "__complete network inspect n ": {
    stdout: "n10\nn9\nswarm-wide\n:4\n",
    reason: "a word that stands there already isn't offered again",
  },
  "__complete network rm n ": {
    stdout: "n10\nn9\nswarm-wide\n:4\n",
    reason: "a word that stands there already isn't offered again",
  },
  "__complete network prune ": {
    stdout: ":4\n",
    stderr: "Completion ended with directive: ShellCompDirectiveNoFileComp\n",
    reason: "it takes no words, so no files either",
  },
  "run -d -p x:80 image": {
    stderr: "docker: invalid hostPort: x\n\nRun 'docker run --help' for more information\n",
    reason: "an older go-connections in the recorded client",
  },
};

export const CASES: NetworkCase[] = [
  ...CREATE,
  ...CONNECT,
  ...OTHERS,
  ...QUESTIONS,
  ...CONTAINER,
  ...RUN,
  ...COMPLETIONS,
].map((one) => ({ ...one, difference: DIFFERENCES[nameOf(one)] }));

/** A case's name in the recording. */
export function nameOf({ words, input }: NetworkCase): string {
  return input === undefined ? words.join(" ") : `${words.join(" ")} <<< ${JSON.stringify(input)}`;
}

const network = (name: string, more: object = {}) => ({
  Name: name,
  Id: ID.replace(/^./, name.length.toString(16)),
  Created: "2026-01-02T03:04:05.678901234Z",
  Scope: "local",
  Driver: "bridge",
  EnableIPv4: true,
  EnableIPv6: false,
  IPAM: { Driver: "default", Options: {}, Config: [{ Subnet: "10.1.0.0/24", Gateway: "10.1.0.1" }] },
  Internal: false,
  Attachable: false,
  Ingress: name === "ingress",
  ConfigFrom: { Network: "" },
  ConfigOnly: false,
  Containers: {},
  Options: {},
  Labels: {},
  ...more,
});

const NETWORKS = [
  network("n10"),
  network("n"),
  network("n9", { Driver: "macvlan", Internal: true, EnableIPv6: true, Labels: { a: "b" } }),
  network("swarm-wide", { Scope: "swarm", Driver: "overlay", EnableIPv4: false }),
];

const container = (name: string, networks: string[]) => ({
  Id: ID.replace(/^./, name.length.toString(16)),
  Names: [`/${name}`],
  Image: "image",
  ImageID: `sha256:${ID}`,
  Command: "sleep 1",
  Created: 1767323045,
  Ports: [
    { IP: "0.0.0.0", PrivatePort: 80, PublicPort: 8080, Type: "tcp" },
    { IP: "::", PrivatePort: 80, PublicPort: 8080, Type: "tcp" },
    { PrivatePort: 90, Type: "sctp" },
  ],
  Labels: {},
  State: "running",
  Status: "Up 1 second",
  HostConfig: { NetworkMode: networks[0] },
  NetworkSettings: { Networks: Object.fromEntries(networks.map((one) => [one, {}])) },
  Mounts: [],
});
const CONTAINERS = [container("one", ["n", "m"]), container("three", ["bridge"])];

const refusal = (status: number, message: string) => ({ status, json: { message } });

/** What the daemon says. Names tell it: `missing` isn't there, `busy` is in use, `taken` exists. */
export const answer: Answering = ({ method, path, query, body }) => {
  const what = `${method} ${path}`;
  const said = (body ?? {}) as Record<string, unknown>;
  if (what === "POST /networks/create") {
    if (said.Name === "taken") return refusal(409, "network with name taken already exists");
    return { status: 201, json: { Id: ID, Warning: said.Name === "warned" ? "a warning" : "" } };
  }
  if (what === "POST /networks/prune") {
    const nothing = query?.filters?.includes("nothing");
    return { status: 200, json: { NetworksDeleted: nothing ? null : ["n", "m"] } };
  }
  if (what === "POST /containers/create") {
    const host = said.HostConfig as { NetworkMode: string };
    if (host.NetworkMode === "missing") return refusal(404, "network missing not found");
    return { status: 201, json: { Id: ID, Warnings: null } };
  }
  if (path.endsWith("/wait")) return { status: 200, json: { StatusCode: 0 } };
  if (what === "GET /networks") return { status: 200, json: NETWORKS };
  if (what === "GET /containers/json") return { status: 200, json: CONTAINERS };
  if (path.startsWith("/networks/missing")) return refusal(404, "network missing not found");
  if (said.Container === "missing") return refusal(404, "No such container: missing");
  if (what === "DELETE /networks/busy") {
    return refusal(403, "error while removing network: network busy has active endpoints");
  }
  if (method === "GET" && path.startsWith("/networks/"))
    return { status: 200, json: network(decodeURIComponent(path.slice("/networks/".length))) };
  return method === "POST" && path.startsWith("/networks/") ? { status: 200, json: {} } : undefined;
};

/** What of a container's body is about networks. */
const CONTAINER_FIELDS = ["ExposedPorts", "MacAddress", "Hostname", "NetworkingConfig"];
const HOST_FIELDS =
  "NetworkMode Links PortBindings PublishAllPorts Dns DnsSearch DnsOptions ExtraHosts".split(" ");

const chosen = (value: unknown, names: string[]) =>
  Object.fromEntries(
    names
      .map((name) => [name, (value as Record<string, unknown>)[name]])
      .filter(([, one]) => one !== undefined),
  );

/** Without the fields that say nothing: one client sends them, the other leaves them out. Empty lists and maps stay. */
function meant(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(meant);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value)
    .filter(([, one]) => one !== null && one !== "" && one !== 0 && one !== false)
    .map(([key, one]) => [key, meant(one)] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function comparableBody(path: string, body: unknown): unknown {
  if (path === "/containers/create") {
    const { HostConfig } = body as { HostConfig: unknown };
    return meant({ ...chosen(body, CONTAINER_FIELDS), HostConfig: chosen(HostConfig, HOST_FIELDS) });
  }
  if (path === "/networks/create") {
    // Docker's client keeps subnets in a map, whose order is another each time.
    const { IPAM } = body as { IPAM: { Config: { Subnet: string }[] } };
    IPAM.Config.sort((a, b) => (a.Subnet < b.Subnet ? -1 : 1));
  }
  return meant(body);
}

/** Filters may be written as maps or lists. */
function comparableQuery({ filters, ...query }: Record<string, string>): Record<string, string> {
  if (filters === undefined) return query;
  const pairs = Object.entries(JSON.parse(filters) as Record<string, string[] | Record<string, boolean>>)
    .flatMap(([name, values]) =>
      (Array.isArray(values) ? values : Object.keys(values)).map((value) => `${name}=${value}`),
    )
    .sort();
  return { ...query, filters: pairs.join(" ") };
}

/** Runs a case's words and gives all that came of it, in a form that is the same for both clients. */
export async function perform(client: Client, daemon: RecordingDaemon, one: NetworkCase): Promise<Recorded> {
  daemon.taken();
  const { code, stdout, stderr } =
    one.input === undefined ? await client.run(...one.words) : await client.feed(one.input, ...one.words);
  const asked = daemon
    .taken()
    .filter(({ path }) => !/^\/(?:images|containers\/\w{64})\//.test(path))
    .map((request) => ({
      ...request,
      ...(request.query && { query: comparableQuery(request.query) }),
      ...(request.body !== undefined && { body: comparableBody(request.path, request.body) }),
    }));
  const named = (text: string) => text.replaceAll(/\bberth\b/g, "docker");
  return { code, stdout: named(stdout), stderr: named(stderr), asked };
}
