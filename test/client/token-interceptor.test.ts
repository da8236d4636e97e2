// The interceptor that adds a token to calls, with a client of another service.

import { inspect, promisify } from "node:util";
import {
  credentials,
  type Interceptor,
  Metadata,
  Server,
  ServerCredentials,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { expect, onTestFinished, test } from "vitest";
import {
  TokenServiceClient,
  type TokenServiceServer,
  TokenServiceService,
  VerifyResponse,
} from "../../gen/grpc/countersign/token/v1/token.ts";
import { RpcError } from "../../src/client/rpc-error.ts";
import { createTokenInterceptor } from "../../src/client/token-interceptor.ts";
import type { TokenSource } from "../../src/client/token-source.ts";

type Source = Pick<TokenSource, "token" | "invalidate">;

interface Call {
  readonly metadata?: Metadata;
  readonly deadlineMs?: number;
}

/** A service that accepts the given tokens, and answers with the token that it got. */
async function startService(
  takes: (token: string) => boolean,
): Promise<(source: Source, call?: Call) => Promise<string>> {
  const server = new Server();
  const service: TokenServiceServer = {
    verify({ metadata }, callback) {
      const token = metadata.get("x-access-token").join(" and ");
      if (takes(token)) callback(null, VerifyResponse.create({ device_key: token }));
      else callback({ code: status.UNAUTHENTICATED, details: "not this one" });
    },
  };
  server.addService(TokenServiceService, service);
  const port = await promisify(server.bindAsync.bind(server))("127.0.0.1:0", ServerCredentials.createInsecure());
  onTestFinished(() => server.forceShutdown());
  return (source, { metadata = new Metadata(), deadlineMs = 5_000 } = {}) => {
    const interceptors: Interceptor[] = [createTokenInterceptor(source)];
    const client = new TokenServiceClient(`127.0.0.1:${port}`, credentials.createInsecure(), { interceptors });
    onTestFinished(() => client.close());
    return new Promise((resolve, reject) =>
      client.verify({ token: "" }, metadata, { deadline: Date.now() + deadlineMs }, (error, response) =>
        error === null ? resolve(response.device_key) : reject(error),
      ),
    );
  };
}

/** A source of these tokens that notes the invalidated ones. */
function sourceOf(token: () => Promise<string>): Source & { readonly refused: readonly string[] } {
  const refused: string[] = [];
  return { token, invalidate: (given) => refused.push(given), refused };
}

function failureOf(call: Promise<string>): Promise<ServiceError> {
  return call.then(
    () => expect.unreachable(),
    (thrown) => thrown,
  );
}

test("a token that a service rejects is invalidated", async () => {
  const source = sourceOf(async () => (source.refused.length === 0 ? "first" : "second"));
  const call = await startService((token) => token === "second");
  await expect(call(source)).rejects.toMatchObject({ code: status.UNAUTHENTICATED, details: "not this one" });
  expect(source.refused).toEqual(["first"]);
  expect(await call(source)).toBe("second");
  expect(source.refused).toEqual(["first"]);
});

test.each(["the-token\n", "the-tok\u00ebn", "the-token\0", ""])(
  "a token that cannot be sent ends the call, and is not repeated: %j",
  async (token) => {
    const source = sourceOf(async () => token);
    const error = await failureOf((await startService(() => true))(source));
    const message = expect.stringContaining("the token cannot be sent in a header");
    expect([error.code, error.details]).toEqual([status.UNAUTHENTICATED, message]);
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("the-tok");
    expect(source.refused).toEqual([]);
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
  const error = await failureOf((await startService(() => true))(source));
  expect([error.code, error.details, source.refused]).toEqual([code, expect.stringContaining(message), []]);
});

test("each call carries the source's token and no other, and the caller's metadata stays unchanged", async () => {
  const call = await startService((token) => token === "a-token");
  const metadata = new Metadata({ waitForReady: true });
  metadata.set("x-access-token", "stale");
  metadata.set("traceparent", "00-1-1-01");
  const before = metadata.clone();
  const source = sourceOf(async () => "a-token");
  for (let calls = 0; calls < 2; calls++) {
    expect(await call(source, { metadata })).toBe("a-token");
    expect(metadata).toEqual(before);
  }
});

test("a call that waits for a token ends at its deadline", async () => {
  const call = await startService(() => true);
  const waiting = call(
    sourceOf(() => new Promise(() => {})),
    { deadlineMs: 50 },
  );
  await expect(waiting).rejects.toMatchObject({ code: status.DEADLINE_EXCEEDED });
});
