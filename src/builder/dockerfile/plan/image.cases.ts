// Dockerfiles whose images' configuration and history, and names of steps, are held against Docker's, as
// scripts/record-dockerfiles.ts recorded them. They need no base image and no build context.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the shell's ${…}, not JavaScript's.
import type { CheckCase } from "../check.cases.ts";

const scratch = (...all: string[]): CheckCase => ({ dockerfile: `FROM scratch\n${all.join("\n")}\n` });

export const IMAGE_CASES: readonly CheckCase[] = [
  scratch("ENV a=1 b='2 3' c=\"$a\"", 'ENV d 4  "5"', "ENV a=6"),
  scratch("ENV PATH=/x:$PATH"),
  scratch('LABEL a="b c" d=e', "LABEL d=f", 'LABEL "g h"=i'),
  scratch('CMD a "b" $c'),
  scratch('CMD ["a","b \\"c\\" \\u00e9\\u0007"]'),
  scratch("CMD []", "ENTRYPOINT []"),
  scratch("CMD", "ENTRYPOINT"),
  scratch('CMD ["a"]', 'ENTRYPOINT ["b"]'),
  scratch('ENTRYPOINT ["b"]', 'CMD ["a"]'),
  scratch('SHELL ["bash", "-ec"]', "CMD a", "ENTRYPOINT b"),
  scratch(
    "HEALTHCHECK --interval=90s --timeout=1.5s --start-period=500ms --start-interval=2h5s --retries=3 CMD a b",
  ),
  scratch('HEALTHCHECK --retries=65 CMD ["a", "b c"]'),
  scratch("HEALTHCHECK --retries=39 CMD a"),
  scratch("HEALTHCHECK NONE"),
  scratch("EXPOSE 80 443/UDP 8000-8002", "EXPOSE 80/tcp"),
  scratch("ARG p=90", "EXPOSE $p"),
  scratch("VOLUME /a /b", 'VOLUME ["/c d"]'),
  scratch("USER me:you", "WORKDIR /", "STOPSIGNAL SIGTERM", "MAINTAINER me <a@b>"),
  scratch("ONBUILD RUN x", "ONBUILD COPY <<EOF /a", "text", "EOF"),
  scratch("WORKDIR /a", "WORKDIR b/../c/", "WORKDIR /d/e/", "WORKDIR ../f"),
  scratch("ARG a", "ARG b=1 c", "ARG d=$b"),
  { ...scratch("ARG a", "ARG b=1", "ENV c=$a$b"), buildArgs: { a: "x", b: "y" } },
  { dockerfile: "ARG g=1\nFROM scratch\nARG g\nARG TARGETARCH\nENV h=$g\n" },
  { dockerfile: 'FROM scratch AS a\nARG x=1\nENV y=2\nCMD ["c"]\nFROM a\nENV z=$x\nENTRYPOINT ["e"]\n' },
  {
    dockerfile: "FROM scratch AS a\nONBUILD ENV x=1\nONBUILD WORKDIR /w\nFROM a AS b\nENV y=$x\nWORKDIR v\n",
  },
  scratch(
    "COPY <<EOF /a/",
    "one $x",
    "EOF",
    "COPY --chown=1:2 --chmod=640 <<A <<-'B' /to/",
    "a",
    "A",
    "\tb",
    "\tB",
  ),
  scratch("ENV d=/x", "ADD <<f $d/", "text", "f", "COPY --link <<f ${d}/", "y", "f"),
  { dockerfile: "FROM scratch AS one\nWORKDIR /a\nFROM scratch\nWORKDIR /b\nCOPY --from=one /a /c\n" },
  { dockerfile: `FROM scratch\n${Array.from({ length: 11 }, (_, i) => `WORKDIR /a${i}\n`).join("")}` },
  { dockerfile: "from scratch\nworkdir /a\nenv a=b\n" },
];
