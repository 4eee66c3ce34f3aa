// What clients are told that we can (BuildKit's apicaps): names of LLB's features and of the bridge's. Clients that don't find one do
// without it, or refuse.

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { APICapSchema } from "../../buildkit/messages/caps_pb.ts";

type Capability = MessageInitShape<typeof APICapSchema>;

const LLB = `source.image source.image.resolvemode source.local source.local.unique source.local.sessionid
  source.local.includepatterns source.local.followpaths source.local.excludepatterns source.local.sharedkeyhint source.git
  source.git.keepgitdir source.git.fullurl source.git.subdir source.http source.http.checksum source.http.perm soruce.http.uidgid
  exec.meta.base exec.meta.cgroup.parent exec.meta.network exec.meta.proxyenv exec.meta.security exec.meta.setsdefaultpath
  exec.meta.ulimit exec.meta.removemountstubs.recursive exec.mount.bind exec.mount.bind.readwrite-nooutput exec.mount.cache
  exec.mount.cache.sharing exec.mount.selector exec.mount.tmpfs exec.mount.tmpfs.size exec.mount.secret exec.mount.ssh
  exec.mount.cache.content exec.secretenv exec.validexitcode file.base file.rm.wildcard file.copy.includeexcludepatterns
  file.copy.requiredpaths file.copy.alwaysreplaceexistingdestpaths file.copy.modestring file.symlink.create constraints platform
  meta.ignorecache meta.description meta.exportcache mergeop diffop exporter.image.annotations
  exporter.image.attestations exporter.sourcedateepoch exporter.multiple`;

const BRIDGE = `solve.base solve.inlinereturn resolveimage resolveimage.resolvemode readfile return returnmap readdir statfile
  importcaches proto.refarray reference.output frontend.inputs gateway.solve.metadata frontend.caps gateway.solve.evaluate
  gateway.evaluate gateway.warnings reference.attestations source.metaresolver`;

const enabled = (names: string): Capability[] => names.split(/\s+/).map((id) => ({ id, enabled: true }));

export const llbCapabilities = (): Capability[] => enabled(LLB);
export const bridgeCapabilities = (): Capability[] => enabled(BRIDGE);
