// The form of each reason in each protocol, in one table.

import { create, toBinary } from "@bufbuild/protobuf";
import { type Any, AnySchema, anyPack } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema, RetryInfoSchema } from "../../gen/es/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../../gen/es/google/rpc/status_pb.ts";
import { AuthError, type Reason } from "../core/errors.ts";
import type { HeaderField } from "./exchange.ts";

/** ErrorInfo's domain. */
const ERROR_DOMAIN = "countersign";

/** The status over REST, and the code in all other protocols. */
export const REASONS = {
  misdirected: { status: 421, code: Code.PermissionDenied },
  not_found: { status: 404, code: Code.Unimplemented },
  method_not_allowed: { status: 405, code: Code.Unimplemented },
  unsupported_media_type: { status: 415, code: Code.Unimplemented },
  too_large: { status: 413, code: Code.ResourceExhausted },
  malformed: { status: 400, code: Code.InvalidArgument },
  clock_skew: { status: 401, code: Code.Unauthenticated },
  invalid_credentials: { status: 401, code: Code.Unauthenticated },
  disabled: { status: 403, code: Code.PermissionDenied },
  rate_limited: { status: 429, code: Code.ResourceExhausted },
  replayed: { status: 401, code: Code.Unauthenticated },
  expired: { status: 401, code: Code.Unauthenticated },
  invalid: { status: 401, code: Code.Unauthenticated },
  revoked: { status: 401, code: Code.Unauthenticated },
  unavailable: { status: 503, code: Code.Unavailable },
  internal: { status: 500, code: Code.Internal },
  invalid_admin_token: { status: 401, code: Code.Unauthenticated },
  read_only: { status: 403, code: Code.PermissionDenied },
  does_not_exist: { status: 404, code: Code.NotFound },
  already_exists: { status: 409, code: Code.AlreadyExists },
  etag_mismatch: { status: 409, code: Code.Aborted },
  failed_precondition: { status: 400, code: Code.FailedPrecondition },
} satisfies Record<Reason, { status: number; code: Code }>;

/** The HTTP status of each code over Connect, from Code.Canceled = 1 (connectrpc.com/docs/protocol, "Error codes"). */
const STATUSES = [0, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401];

/** The name of a code in JSON, as in `invalid_argument`. */
export function nameOf(code: Code): string {
  return Code[code].replace(/(?!^)[A-Z]/g, "_$&").toLowerCase();
}

/** The error of a call: one of our reasons, or the ConnectError of a handler. */
export type CallError = AuthError | ConnectError;

/** Turns anything thrown into a CallError. A value of another class is a bug. */
export function toCallError(thrown: unknown, requestId: string): CallError {
  return thrown instanceof AuthError || thrown instanceof ConnectError ? thrown : internalError(requestId, thrown);
}

/** The error for a bug: the caller sees only `requestId`, and the log line with that id has the cause. */
export function internalError(requestId: string, cause?: unknown): AuthError {
  const message = "an error on the server. Quote the request id to its operator";
  return new AuthError("internal", message, { requestId }, { cause });
}

/** The HTTP headers of an error, in the spelling that boards look up. */
export function errorHeaders(error: CallError): HeaderField[] {
  if (error instanceof ConnectError) return [...error.metadata];
  const { reason, details } = error;
  const headers: HeaderField[] = [];
  const wait = retryAfterSeconds(error);
  if (wait !== undefined) headers.push(["Retry-After", String(wait)]);
  if (REASONS[reason].status === 401) headers.push(["WWW-Authenticate", challengeOf(reason)]);
  if (details.allow !== undefined) headers.push(["Allow", details.allow.join(", ")]);
  if (details.requestId !== undefined) headers.push(["X-Request-Id", details.requestId]);
  return headers;
}

/** The challenge of a 401 (RFC 9110, 11.6.1): RFC 6750's scheme for tokens and operators, our own for logins. */
function challengeOf(reason: Reason): string {
  const isBearer = ["invalid_admin_token", "expired", "invalid", "revoked"].includes(reason);
  return isBearer
    ? 'Bearer realm="countersign", error="invalid_token"'
    : `Countersign realm="devices", error="${reason}"`;
}

/** The wait in whole seconds, rounded up. */
function retryAfterSeconds({ details: { retryAfterMs } }: AuthError): number | undefined {
  return retryAfterMs === undefined ? undefined : Math.max(1, Math.ceil(retryAfterMs / 1000));
}

/** The details of an error, by the names that all protocols have for them. */
function wireDetailsOf({ details: { serverTime, field, limit, requestId } }: AuthError) {
  return { server_time: serverTime, field, policy: limit?.policy.name, request_id: requestId };
}

/** An error over REST: a status and a flat body. */
export function toRest(error: CallError): { status: number; body: string } {
  if (error instanceof ConnectError) return toConnect(error);
  const { reason, message } = error;
  const { status, code } = REASONS[reason];
  const { request_id, ...details } = wireDetailsOf(error);
  const fields = { ...details, retry_after: retryAfterSeconds(error), request_id };
  return { status, body: JSON.stringify({ code: nameOf(code), reason, message, ...fields }) };
}

/** An error over Connect: a status and its JSON (connectrpc.com/docs/protocol, "Error end-stream"). */
export function toConnect(error: CallError): { status: number; body: string } {
  const { code, message, details } = describe(error);
  const body = JSON.stringify({
    code: nameOf(code),
    ...(message !== "" && { message }),
    ...(details.length > 0 && {
      details: details.map(({ typeUrl, value }) => ({
        type: typeUrl.slice(typeUrl.lastIndexOf("/") + 1),
        value: Buffer.from(value).toString("base64").replace(/=+$/, ""),
      })),
    }),
  });
  return { status: STATUSES[code] ?? 500, body };
}

/** The characters that Grpc-Message escapes: all but printable ASCII, and the percent sign. */
const UNPRINTABLE = /[^\x20-\x24\x26-\x7e]+/g;

/** An error as gRPC's trailers carry it. */
export function toGrpcTrailers(error: CallError): HeaderField[] {
  const { code, message, details } = describe(error);
  const status = toBinary(StatusSchema, create(StatusSchema, { code, message, details }));
  return [
    ["Grpc-Status", String(code)],
    ["Grpc-Message", message.toWellFormed().replace(UNPRINTABLE, encodeURIComponent)],
    ["Grpc-Status-Details-Bin", Buffer.from(status).toString("base64").replace(/=+$/, "")],
  ];
}

function describe(error: CallError): { code: Code; message: string; details: Any[] } {
  if (error instanceof AuthError) {
    return { code: REASONS[error.reason].code, message: error.message, details: detailsOf(error) };
  }
  const details = error.details.map((detail) =>
    "desc" in detail
      ? anyPack(detail.desc, create(detail.desc, detail.value))
      : create(AnySchema, { typeUrl: `type.googleapis.com/${detail.type}`, value: detail.value }),
  );
  return { code: error.code, message: error.rawMessage, details };
}

function detailsOf(error: AuthError): Any[] {
  const { reason } = error;
  const entries = Object.entries(wireDetailsOf(error)).filter(([, value]) => value !== undefined);
  const metadata = Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
  const info = anyPack(ErrorInfoSchema, create(ErrorInfoSchema, { reason, domain: ERROR_DOMAIN, metadata }));
  const wait = retryAfterSeconds(error);
  if (wait === undefined) return [info];
  const retryDelay = { seconds: BigInt(wait) };
  return [info, anyPack(RetryInfoSchema, create(RetryInfoSchema, { retryDelay }))];
}
