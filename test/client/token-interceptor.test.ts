// The interceptor that adds a token to calls of another service.

import { inspect } from "node:util";
import { credentials, Metadata, Server, type ServiceError, status } from "@grpc/grpc-js";
import { expect, onTestFinished, test, vi } from "vitest";
import {
  TokenServiceClient,
  type TokenServiceServer,
  TokenServiceService,
  VerifyResponse,
} from "../../gen/grpc/countersign/token/v1/token.ts";
import { RpcError } from "../../src/client/rpc-error.ts";
import { createTokenInterceptor } from "../../src/client/token-interceptor.ts";
import { serveGrpc } from "../verify/serve.ts";

/** Starts a service that accepts one token, or all. @returns a call that resolves to the token that arrived */
async function startService(accepted?: string) {
  const server = new Server();
  const service: TokenServiceServer = {
    verify({ metadata }, callback) {
      const token = metadata.get("x-access-token").join(" and ");
      if (token === (accepted ?? token)) callback(null, VerifyResponse.create({ device_key: token }));
      else callback({ code: status.UNAUTHENTICATED, details: "not this one" });
    },
  };
  server.addService(TokenServiceService, service);
  const address = await serveGrpc(server);
  return (source: Source, metadata = new Metadata(), deadlineMs = 5_000): Promise<string> => {
    const interceptors = [createTokenInterceptor(source)];
    const client = new TokenServiceClient(address, credentials.createInsecure(), { interceptors });
    onTestFinished(() => client.close());
    return new Promise((resolve, reject) =>
      client.verify({ token: "" }, metadata, { deadline: Date.now() + deadlineMs }, (error, response) =>
        error === null ? resolve(response.device_key) : reject(error),
      ),
    );
  };
}

const sourceOf = (token: () => Promise<string>) => ({ token, invalidate: vi.fn<(token: string) => void>() });
type Source = ReturnType<typeof sourceOf>;

async function failureOf(source: Source): Promise<ServiceError> {
  const call = await startService();
  return call(source).then(
    () => expect.unreachable(),
    (error) => error,
  );
}

test("a token that a service rejects is invalidated", async () => {
  const source = sourceOf(async () => (source.invalidate.mock.calls.length === 0 ? "first" : "second"));
  const call = await startService("second");
  await expect(call(source)).rejects.toMatchObject({ code: status.UNAUTHENTICATED, details: "not this one" });
  expect(await call(source)).toBe("second");
  expect(source.invalidate.mock.calls).toEqual([["first"]]);
});

test.each(["the-token\n", "the-tok\u00ebn", "the-token\0", ""])(
  "a token that cannot be sent ends the call, and is not repeated: %j",
  async (token) => {
    const source = sourceOf(async () => token);
    const error = await failureOf(source);
    const details = expect.stringContaining("the token cannot be sent in a header");
    expect(error).toMatchObject({ code: status.UNAUTHENTICATED, details });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("the-tok");
    expect(source.invalidate).not.toHaveBeenCalled();
  },
);

test.each<[unknown, status, string]>([
  [new RpcError(status.UNAUTHENTICATED, "disabled: this device is", "disabled"), status.UNAUTHENTICATED, "disabled: t"],
  [new TypeError("no key file"), status.UNAUTHENTICATED, "no key file"],
  ["gone", status.UNAUTHENTICATED, "there is no token"],
  // The code of a DOMException is not a gRPC code; 0 would be OK.
  [new DOMException("late", "TimeoutError"), status.UNAUTHENTICATED, "late"],
  [new DOMException("odd", "Odd"), status.UNAUTHENTICATED, "odd"],
  [new RpcError(status.UNAVAILABLE, "away"), status.UNAVAILABLE, "away"],
  // A code that grpc-js does not allow for credentials.
  [new RpcError(status.INVALID_ARGUMENT, "malformed: too long"), status.UNAUTHENTICATED, "malformed: too long"],
])("a source that fails with %s ends only the call, and no token is invalidated", async (failure, code, message) => {
  const source = sourceOf(() => Promise.reject(failure));
  expect(await failureOf(source)).toMatchObject({ code, details: expect.stringContaining(message) });
  expect(source.invalidate).not.toHaveBeenCalled();
});

test("each call carries the source's token and no other, and the caller's metadata stays unchanged", async () => {
  const call = await startService("a-token");
  const metadata = new Metadata({ waitForReady: true });
  metadata.set("x-access-token", "stale");
  metadata.set("traceparent", "00-1-1-01");
  const before = metadata.clone();
  const source = sourceOf(async () => "a-token");
  for (let calls = 0; calls < 2; calls++) {
    expect(await call(source, metadata)).toBe("a-token");
    expect(metadata).toEqual(before);
  }
});

test("a call that waits for a token ends at its deadline", async () => {
  const call = await startService();
  const endless = sourceOf(() => new Promise(() => {}));
  await expect(call(endless, new Metadata(), 50)).rejects.toMatchObject({ code: status.DEADLINE_EXCEEDED });
});
