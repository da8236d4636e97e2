// Renders an error for HTTP, gRPC and Connect in the gateway's form.

import type { VerifyError, VerifyReason } from "./errors.ts";

/** An answer of HTTP. */
export interface ErrorResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON. */
  readonly body: string;
}

/** HTTP status and gRPC code, by number and name, of each reason. */
const TABLE = {
  missing: { status: 401, code: 16, name: "unauthenticated" },
  expired: { status: 401, code: 16, name: "unauthenticated" },
  invalid: { status: 401, code: 16, name: "unauthenticated" },
  unavailable: { status: 503, code: 14, name: "unavailable" },
} satisfies Record<VerifyReason, { status: number; code: number; name: string }>;

/** The HTTP response for an error. */
export function errorResponse(error: VerifyError): ErrorResponse {
  const { reason, message } = error;
  const { status, name } = TABLE[reason];
  return {
    status,
    headers: { "Content-Type": "application/json", ...errorResponseHeaders(error) },
    body: JSON.stringify({ code: name, reason, message, retry_after: retryAfterSeconds(error) }),
  };
}

/** The gRPC code of an error. */
export function grpcCode({ reason }: VerifyError): number {
  return TABLE[reason].code;
}

/** Headers of an error in every protocol. RFC 6750, 3.1: without a token there is no error to name. */
export function errorResponseHeaders(error: VerifyError): Readonly<Record<string, string>> {
  const { reason } = error;
  if (reason === "unavailable") return { "Retry-After": String(retryAfterSeconds(error) ?? 1) };
  return { "WWW-Authenticate": `Bearer realm="countersign"${reason === "missing" ? "" : ', error="invalid_token"'}` };
}

/** Retry-After in whole seconds (RFC 9110, 10.2.3). */
function retryAfterSeconds({ retryAfterMs }: VerifyError): number | undefined {
  return retryAfterMs === undefined ? undefined : Math.ceil(retryAfterMs / 1000);
}

/** google.rpc.ErrorInfo of an error, in protobuf: `reason` = 1, `domain` = 2. */
export function errorInfo({ reason }: VerifyError): Uint8Array<ArrayBuffer> {
  return new Uint8Array([...textField(1, reason), ...textField(2, "countersign")]);
}

/** google.rpc.Status with the ErrorInfo in it, as gRPC's trailer grpc-status-details-bin carries it. */
export function grpcStatus(error: VerifyError): Uint8Array<ArrayBuffer> {
  const detail = [...textField(1, "type.googleapis.com/google.rpc.ErrorInfo"), ...bytesField(2, [...errorInfo(error)])];
  return new Uint8Array([0x08, grpcCode(error), ...textField(2, error.message), ...bytesField(3, detail)]);
}

function textField(number: number, text: string): number[] {
  return bytesField(number, [...new TextEncoder().encode(text)]);
}

/** A length-delimited field of fewer than 2^14 bytes. */
function bytesField(number: number, bytes: readonly number[]): number[] {
  const { length } = bytes;
  const size = length < 0x80 ? [length] : [(length & 0x7f) | 0x80, length >> 7];
  return [(number << 3) | 2, ...size, ...bytes];
}
