// A daemon's table of rules, kept true: networks and ports come and go as elements, in a transaction each, and what
// somebody else took away comes back.
//
// State: what is in force, and up to which number of the rule set ours is known to be whole. When the number has moved,
// the kernel's notifications say whose tables were changed: the table is listed only when it was ours. Synchronous.
import { messageOf } from "../../base/errors.ts";
import { log } from "../../base/log.ts";
import { whenRulesChange } from "../../linux/netlink/rules-alarm.ts";
import { type RulesWatch, watchRules } from "../../linux/netlink/rules-watch.ts";
import { nft, nftGeneration, nftList } from "../../linux/nftables.ts";
import type { Uplink } from "./bridge-forwarding.ts";
import {
  addElements,
  type BridgeRules,
  clearTable,
  deleteElements,
  type Element,
  elementsOf,
  elementsOfLink,
  elementsOfNetwork,
  elementsOfPorts,
  OUR_CHAINS,
  OUR_HOLDERS,
  type PublishedPort,
  setOthers,
  type TableContent,
  tableOf,
  USER_CHAIN,
  wholeTable,
} from "./bridge-rules.ts";
import {
  acceptDevice,
  acceptForwarding,
  isOfFirewall,
  otherEnginesBridges,
  withdrawDevice,
  withdrawForwarding,
} from "./other-firewalls.ts";
import type { ContainerLink } from "./types.ts";

export interface BridgeFirewall {
  /** In force from now on; again without effect. */
  addNetwork(id: string, rules: BridgeRules): void;
  removeNetwork(id: string): void;
  publish(endpointId: string, ports: readonly PublishedPort[]): void;
  unpublish(endpointId: string): void;
  /** Again without effect. */
  link(link: ContainerLink): void;
  /** All links from and to the endpoint. */
  unlink(endpointId: string): void;
  /** All of it in place of what was in force: at start-up, and on SIGHUP. */
  reset(networks: ReadonlyMap<string, BridgeRules>, ports: ReadonlyMap<string, PublishedPort[]>): void;
  /** Puts back what somebody else's change of the rule set took away. Some 30 µs when nobody changed anything. */
  check(): void;
  /** All of this daemon's rules away; the administrator's stay. */
  withdraw(): void;
  close(): void;
}

/** So many transactions of ours may wait in the kernel to be read as notifications. */
const UNREAD = 64;

/** Entries of a listed table: libnftables-json(5). */
type Listed = Record<string, { name?: string; chain?: string; elem?: unknown[] } | undefined>;

export function openBridgeFirewall(options: {
  bridge: string;
  enabled: boolean;
  exists: (device: string) => boolean;
  uplinks: () => readonly Uplink[];
}): BridgeFirewall {
  const { bridge, enabled, exists } = options;
  const table = `inet ${tableOf(bridge)}`;
  let networks = new Map<string, BridgeRules>();
  /** By endpoint. */
  let ports = new Map<string, PublishedPort[]>();
  /** By the ids of both endpoints. */
  const links = new Map<string, ContainerLink>();
  let others: string[] = [];
  let uplinks: readonly Uplink[] = [];
  /** Up to this number of the rule set ours is whole; undefined: look. */
  let known: number | undefined;
  /** Rules and the like that a whole table has; undefined: it has to be made anew. */
  let entries: number | undefined;
  /** The numbers of our own transactions whose notifications weren't read yet. */
  const own = new Set<number>();
  let watch: RulesWatch | undefined;
  let alarm: Disposable | undefined;

  return {
    addNetwork(id, rules) {
      if (!enabled || networks.has(id)) return;
      check();
      networks.set(id, rules);
      if (entries === undefined) return check();
      change(addElements(bridge, elementsOfNetwork(rules)));
      ofOurs(() => acceptDevice(bridge, rules.device));
    },
    removeNetwork(id) {
      const rules = networks.get(id);
      if (!rules) return;
      networks.delete(id);
      remove(elementsOfNetwork(rules));
      ofOurs(() => withdrawDevice(bridge, rules.device));
    },
    publish(endpointId, list) {
      const elements = elementsOfPorts(list);
      if (!enabled || elements.length === 0) return;
      change(addElements(bridge, elements));
      ports.set(endpointId, [...list]);
    },
    unpublish(endpointId) {
      const list = ports.get(endpointId);
      if (!list) return;
      ports.delete(endpointId);
      remove(elementsOfPorts(list));
    },
    link(link) {
      const key = `${link.from.id} ${link.to.id}`;
      if (!enabled || links.has(key)) return;
      change(addElements(bridge, elementsOfLink(link)));
      links.set(key, link);
    },
    unlink(endpointId) {
      for (const [key, link] of [...links]) {
        if (link.from.id !== endpointId && link.to.id !== endpointId) continue;
        links.delete(key);
        remove(elementsOfLink(link));
      }
    },
    reset(allNetworks, allPorts) {
      networks = new Map(enabled ? allNetworks : []);
      ports = new Map(enabled ? allPorts : []);
      links.clear();
      known = undefined;
      entries = undefined;
      check();
    },
    check,
    withdraw() {
      if (!enabled) return;
      withdrawForwarding(bridge);
      networks.clear();
      ports.clear();
      links.clear();
      entries = undefined;
      known = undefined;
      removeTable();
    },
    close() {
      alarm?.[Symbol.dispose]();
      watch?.[Symbol.dispose]();
      alarm = watch = undefined;
    },
  };

  /** One transaction of ours. When nobody else's came between, the rule set is known to be whole still. */
  function change(commands: string): void {
    const before = nftGeneration();
    nft(commands);
    const now = nftGeneration();
    // Where somebody's came between there is no telling which of the numbers is ours.
    if (now !== before + 1) return;
    own.add(now);
    if (known === before) known = now;
  }

  function remove(elements: readonly Element[]): void {
    if (!enabled || elements.length === 0) return;
    try {
      change(deleteElements(bridge, elements));
    } catch {
      // One of them is gone already (somebody flushed the rules): the others one by one.
      for (const element of elements)
        try {
          change(deleteElements(bridge, [element]));
        } catch (thrown) {
          log.debug("an element was gone already", { key: element.key, error: messageOf(thrown) });
        }
    }
  }

  /** Changes of ours in other firewalls' tables: nothing to look at when the kernel tells of them. */
  function ofOurs(work: () => number): void {
    const before = nftGeneration();
    const transactions = work();
    const now = nftGeneration();
    if (now !== before + transactions) return;
    for (let number = before + 1; number <= now; number++) own.add(number);
    if (known === before) known = now;
  }

  function check(): void {
    if (!enabled || networks.size === 0) return;
    // Before the number is read: what comes after that is told.
    watch ??= watchRules();
    alarm ??= whenRulesChange(look);
    const now = nftGeneration();
    if (known === now && own.size < UNREAD) return;
    const news = watch.read(own);
    const ours = known === undefined || news.lost || news.tables.has(table);
    const theirs = ours || [...news.tables].some(isOfFirewall);
    // A notification comes a moment after its number: what wasn't read yet is left for the next look.
    known = ours ? now : (news.generation ?? known);
    for (const number of own) if (number <= (news.generation ?? 0)) own.delete(number);
    if (ours && !isWhole()) rebuild();
    if (theirs) lookAtOthers();
  }

  function look(): void {
    try {
      check();
    } catch (thrown) {
      log.warn("cannot look after the networks' rules", { table, error: messageOf(thrown) });
    }
  }

  function lookAtOthers(): void {
    const found = otherEnginesBridges();
    if (found.join() !== others.join()) {
      others = found;
      change(setOthers(bridge, others));
    }
    const devices = [...networks.values()].map(({ device }) => device);
    ofOurs(() => acceptForwarding(bridge, devices, exists));
  }

  function content(): TableContent {
    return {
      networks: [...networks.values()],
      ports: [...ports.values()].flat(),
      links: [...links.values()],
      others,
      uplinks,
    };
  }

  function listTable(): Listed[] {
    return (nftList(`list table ${table}`) ?? []) as Listed[];
  }

  function isWhole(): boolean {
    if (entries === undefined) return false;
    const found = countsOf(listTable());
    return found.entries === entries && found.elements === elementsOf(content()).length;
  }

  function rebuild(): void {
    const again = entries !== undefined;
    others = otherEnginesBridges();
    uplinks = options.uplinks();
    const whole = wholeTable(bridge, content());
    try {
      change(whole);
    } catch {
      // Of another version of ours, with other types under the same names.
      change(`${clearTable(bridge, namesIn(listTable()))}\n${whole}`);
    }
    entries = countsOf(listTable()).entries;
    if (again)
      log.warn("somebody changed or removed the rules of the containers' networks: made again", { table });
  }

  function removeTable(): void {
    const listed = listTable();
    if (listed.length === 0) return;
    const present = namesIn(listed);
    const foreign =
      listed.some(({ rule }) => rule?.chain === USER_CHAIN) ||
      [...present].some((name) => name !== USER_CHAIN && !OUR_CHAINS.has(name) && !OUR_HOLDERS.has(name));
    try {
      nft(foreign ? clearTable(bridge, present) : `delete table ${table}`);
    } catch (thrown) {
      log.warn("the rules of the containers' networks are left over", { table, error: messageOf(thrown) });
    }
  }
}

/** How much of ours is in a listed table: chains, rules, maps and sets; and elements. */
function countsOf(listed: readonly Listed[]): { entries: number; elements: number } {
  let [entries, elements] = [0, 0];
  for (const { chain, rule, map, set } of listed) {
    const holder = map ?? set;
    if (OUR_CHAINS.has((chain?.name ?? rule?.chain) || "") || chain?.name === USER_CHAIN) entries++;
    if (!holder || !OUR_HOLDERS.has(holder.name ?? "")) continue;
    entries++;
    elements += holder.elem?.length ?? 0;
  }
  return { entries, elements };
}

const namesIn = (listed: readonly Listed[]): Set<string> =>
  new Set(
    listed
      .flatMap(({ chain, map, set }) => [chain?.name, map?.name, set?.name])
      .flatMap((name) => name ?? []),
  );
