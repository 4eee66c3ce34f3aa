// A call's end that is not OK, in gRPC's numbers and words.

/** gRPC's codes, as far as they are told apart here (google.rpc.Code). */
export const CODE = {
  canceled: 1,
  unknown: 2,
  notFound: 5,
  alreadyExists: 6,
  unavailable: 14,
} as const;

export class GrpcError extends Error {
  override readonly name = "GrpcError";

  constructor(
    readonly rawMessage: string,
    readonly code: number = CODE.unknown,
    /** `grpc-status-details-bin` as it came: an encoded google.rpc.Status, in base64. */
    readonly details?: string,
    options: { cause?: unknown } = {},
  ) {
    super(rawMessage, options);
  }

  /** What a thrown thing says of itself: an error of gRPC's, also the generated services', or any other. */
  static from(thrown: unknown): GrpcError {
    if (thrown instanceof GrpcError) return thrown;
    const { code, rawMessage, message, name } = (thrown ?? {}) as {
      code?: unknown;
      rawMessage?: unknown;
      message?: unknown;
      name?: unknown;
    };
    const cause = { cause: thrown };
    if (typeof rawMessage === "string" && typeof code === "number")
      return new GrpcError(rawMessage, code, undefined, cause);
    const words = typeof message === "string" ? message : String(thrown);
    return new GrpcError(words, name === "AbortError" ? CODE.canceled : CODE.unknown, undefined, cause);
  }
}
