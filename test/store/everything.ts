// A tree that has one of everything that an archive can hold.
import {
  chmodSync,
  chownSync,
  lchownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { deviceNumber, makeNode, setTimesOfLink } from "../../src/linux/files.ts";
import { setXattr } from "../../src/linux/xattr.ts";

/** A tree with one of everything. */
export function everything(root: string): void {
  const at = (name: string) => join(root, name);
  mkdirSync(at("etc/deep/er"), { recursive: true });
  writeFileSync(at("etc/passwd"), "root:x:0:0\n");
  chownSync(at("etc/passwd"), 12, 34);
  writeFileSync(at("etc/empty"), "");
  writeFileSync(at("etc/shadow"), "secret");
  chmodSync(at("etc/shadow"), 0o000);
  mkdirSync(at("bin"));
  writeFileSync(at("bin/su"), Buffer.alloc(100_000, "su"));
  chownSync(at("bin/su"), 0, 42);
  chmodSync(at("bin/su"), 0o6755);
  linkSync(at("bin/su"), at("bin/sudo"));
  linkSync(at("bin/su"), at("etc/deep/su"));
  symlinkSync("../bin/su", at("etc/link"));
  lchownSync(at("etc/link"), 7, 8);
  symlinkSync("/nowhere/absolute", at("etc/dangling"));
  linkSync(at("etc/dangling"), at("etc/dangling-too"));
  mkdirSync(at("tmp"));
  chmodSync(at("tmp"), 0o1777);
  mkdirSync(at("group"));
  chownSync(at("group"), 5, 6);
  chmodSync(at("group"), 0o2770);
  writeFileSync(at("group/file"), "x");
  makeNode(at("null"), 0o020666, deviceNumber(1, 3));
  makeNode(at("disk"), 0o060640, deviceNumber(259, 70000));
  makeNode(at("pipe"), 0o010600);
  chownSync(at("pipe"), 1, 2);
  writeFileSync(at("ping"), "ping");
  // CAP_NET_RAW, permitted and effective (capabilities(7), VFS_CAP_REVISION_2): its bytes are no UTF-8
  setXattr(
    at("ping"),
    "security.capability",
    Buffer.from("0100000200200000000000000000000000000000".slice(0, 40), "hex"),
  );
  setXattr(at("etc"), "user.note", Buffer.from([0, 255, 10, 61, 128]));
  setXattr(at("etc/empty"), "user.empty", Buffer.alloc(0));
  const long = "long-".repeat(40);
  mkdirSync(at(`${long}/${long}`), { recursive: true });
  writeFileSync(at(`${long}/${long}/file-${long}`), "long");
  symlinkSync(`/${long}/${long}`, at("long-target"));
  writeFileSync(at("ümlaut € 名"), "utf-8");
  lutimesSync(at("etc/link"), 1_000_000_000, 1_000_000_001);
  utimesSync(at("bin/su"), 2_000_000_000, 1_999_999_999);
  const odd = { seconds: 1_600_000_000, nanoseconds: 123_456_789 };
  for (const name of ["etc/deep", "etc/passwd", "null", "etc/dangling", "tmp"])
    setTimesOfLink(at(name), odd, odd);
  setTimesOfLink(at("etc/empty"), { seconds: -5, nanoseconds: 0 }, { seconds: -5, nanoseconds: 0 });
}
