// Which compression of an answer a client wants: RFC 9110, 12.5.3.

/** gzip or deflate, whichever the header weighs more (gzip first); undefined: neither. */
export function bestEncoding(header: string | string[] | undefined): "gzip" | "deflate" | undefined {
  const text = Array.isArray(header) ? header.join(",") : (header ?? "");
  let best: "gzip" | "deflate" | undefined;
  let weight = 0;
  const asked = text.split(",").map(parseCoding);
  for (const offer of ["gzip", "deflate"] as const)
    for (const { coding, quality } of asked)
      if (quality > weight && (coding === "*" || coding === offer)) {
        weight = quality;
        best = offer;
      }
  return best;
}

function parseCoding(text: string): { coding: string; quality: number } {
  const [coding = "", ...parameters] = text.split(";").map((part) => part.trim().toLowerCase());
  const stated = parameters.find((parameter) => parameter.startsWith("q="));
  const quality = stated === undefined ? 1 : Number(stated.slice(2));
  return { coding, quality: quality >= 0 && quality <= 1 ? quality : 0 };
}
