// A failed call's reason, read from what a gateway sends, and from what anyone else may send in its place.

import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ErrorInfo, RetryInfo } from "../../gen/grpc/google/rpc/error_details.ts";
import { Status } from "../../gen/grpc/google/rpc/status.ts";
import { AuthError, type Particulars, type Reason } from "../../src/core/errors.ts";
import { RpcError, rpcErrorOf } from "../../src/grpc/rpc-error.ts";
import { toGrpc } from "../../src/transports/errors.ts";

function failure(code: status, message: string, details?: Uint8Array): ServiceError {
  const metadata = new Metadata();
  if (details !== undefined) metadata.set("grpc-status-details-bin", Buffer.from(details));
  return Object.assign(new Error(`${code} ${message}`), { code, details: message, metadata });
}

function refusal(reason: Reason, particulars: Particulars): RpcError {
  const { code, message, details } = toGrpc(new AuthError(reason, "what is wrong", particulars));
  return rpcErrorOf(failure(code, message, details));
}

test("a gateway's refusal", () => {
  expect(refusal("clock_skew", { serverTime: 1_764_000_000 })).toMatchObject({
    name: "RpcError",
    message: "clock_skew: what is wrong",
    code: status.UNAUTHENTICATED,
    reason: "clock_skew",
    particulars: { serverTime: 1_764_000_000 },
  });
  expect(refusal("unavailable", { retryAfterMs: 1_500 }).particulars).toEqual({ retryAfterMs: 2_000 });
  expect(refusal("malformed", { field: "timestamp" }).particulars).toEqual({ field: "timestamp" });
  expect(refusal("internal", { requestId: "r-1" }).particulars).toEqual({ requestId: "r-1" });
});

test("no gateway answered", () => {
  const lost = rpcErrorOf(failure(status.UNAVAILABLE, "Connection dropped"));
  expect(lost).toMatchObject({ message: "unavailable: Connection dropped", reason: undefined, particulars: {} });
});

test("another domain's reason is not one of ours", () => {
  const info = ErrorInfo.encode({
    reason: "clock_skew",
    domain: "example.com",
    metadata: { server_time: "1" },
  }).finish();
  const value = Buffer.from(info);
  const details = [{ type_url: "type.googleapis.com/google.rpc.ErrorInfo", value }];
  const error = rpcErrorOf(failure(16, "no", Status.encode({ code: 16, message: "no", details }).finish()));
  expect([error.reason, error.particulars]).toEqual([undefined, {}]);
});

test("a delay in parts of a second is rounded up, a time that is no number left out", () => {
  const info = { reason: "rate_limited", domain: "countersign", metadata: { server_time: "-1e3", policy: "login" } };
  const details = [
    ["ErrorInfo", ErrorInfo.encode(info)] as const,
    ["RetryInfo", RetryInfo.encode({ retry_delay: { seconds: 1, nanos: 1 } })] as const,
  ].map(([type, writer]) => ({
    type_url: `type.googleapis.com/google.rpc.${type}`,
    value: Buffer.from(writer.finish()),
  }));
  const error = rpcErrorOf(failure(8, "no", Status.encode({ code: 8, message: "no", details }).finish()));
  expect(error.particulars).toEqual({ retryAfterMs: 1_001, policy: "login" });
});

test("details of any bytes are read or passed over", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.integer({ min: 1, max: 16 }), (bytes, code) => {
      expect(rpcErrorOf(failure(code, "no", bytes))).toBeInstanceOf(RpcError);
    }),
  );
});
