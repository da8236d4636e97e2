// Reads the reason of a failed call, from any server.

import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ErrorInfo, RetryInfo } from "../../gen/grpc/google/rpc/error_details.ts";
import { Status } from "../../gen/grpc/google/rpc/status.ts";
import { RpcError, rpcErrorOf } from "../../src/client/rpc-error.ts";
import { AuthError, type ErrorDetails, type Reason } from "../../src/core/errors.ts";
import { toGrpcTrailers } from "../../src/protocols/errors.ts";

function failure(code: status, message: string, details?: Uint8Array): ServiceError {
  const metadata = new Metadata();
  if (details !== undefined) metadata.set("grpc-status-details-bin", Buffer.from(details));
  return Object.assign(new Error(`${code} ${message}`), { code, details: message, metadata });
}

function gatewayError(reason: Reason, details: ErrorDetails): RpcError {
  const trailers = new Map(toGrpcTrailers(new AuthError(reason, "the message", details)));
  const message = decodeURIComponent(trailers.get("Grpc-Message") ?? "");
  const status = Buffer.from(trailers.get("Grpc-Status-Details-Bin") ?? "", "base64");
  return rpcErrorOf(failure(Number(trailers.get("Grpc-Status")), message, status));
}

const anyOf = (type: string, value: Uint8Array) => ({
  type_url: `type.googleapis.com/google.rpc.${type}`,
  value: Buffer.from(value),
});

/** An error with details that no gateway of today sends. */
function errorWith(info: Partial<ErrorInfo>, nanos = 0): RpcError {
  const errorInfo = { reason: "rate_limited", domain: "countersign", metadata: {}, ...info };
  const details = [
    anyOf("ErrorInfo", ErrorInfo.encode(errorInfo).finish()),
    anyOf("RetryInfo", RetryInfo.encode({ retry_delay: { seconds: 1, nanos } }).finish()),
  ];
  return rpcErrorOf(failure(8, "no", Status.encode({ code: 8, message: "no", details }).finish()));
}

test("reads a gateway's reason and details", () => {
  expect(gatewayError("clock_skew", { serverTime: 1_764_000_000 })).toMatchObject({
    name: "RpcError",
    message: "clock_skew: the message",
    code: status.UNAUTHENTICATED,
    reason: "clock_skew",
    details: { serverTime: 1_764_000_000 },
  });
  expect(gatewayError("unavailable", { retryAfterMs: 1_500 }).details).toEqual({ retryAfterMs: 2_000 });
  expect(gatewayError("malformed", { field: "timestamp" }).details).toEqual({ field: "timestamp" });
  expect(gatewayError("internal", { requestId: "r-1" }).details).toEqual({ requestId: "r-1" });
});

test("has no reason when no gateway answered", () => {
  const lost = rpcErrorOf(failure(status.UNAVAILABLE, "Connection dropped"));
  expect(lost).toMatchObject({ message: "unavailable: Connection dropped", reason: undefined, details: {} });
});

test("ignores the reason of another domain", () => {
  const error = errorWith({ reason: "clock_skew", domain: "example.com", metadata: { server_time: "1" } });
  expect([error.reason, error.details]).toEqual([undefined, {}]);
});

test("rounds a retry delay up, and ignores a server time that is not a number", () => {
  const error = errorWith({ metadata: { server_time: "-1e3", policy: "login" } }, 1);
  expect(error.details).toEqual({ retryAfterMs: 1_001, policy: "login" });
});

test("never throws on details of any bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.integer({ min: 1, max: 16 }), (bytes, code) => {
      expect(rpcErrorOf(failure(code, "no", bytes))).toBeInstanceOf(RpcError);
    }),
  );
});
