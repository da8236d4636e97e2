// Puts a device's token into the calls of any grpc-js client.

import { credentials, InterceptingCall, type Interceptor, Metadata, status } from "@grpc/grpc-js";
import { RpcError } from "./rpc-error.ts";
import { TOKEN_HEADER, type TokenSource } from "./token-source.ts";

/**
 * An interceptor for the `interceptors` of a client or of one call: each call carries the source's token as `x-access-token`.
 * A call without a token fails with UNAVAILABLE where the gateway is away, else with UNAUTHENTICATED. A token that is answered with
 * UNAUTHENTICATED is invalidated.
 */
export function createTokenInterceptor(source: Pick<TokenSource, "token" | "invalidate">): Interceptor {
  return (options, nextCall) => {
    let sent: string | undefined;
    // Call credentials: a call that waits for a token ends at its deadline.
    const bearer = credentials.createFromMetadataGenerator((_call, done) => {
      tokenOf(source).then(
        (token) => {
          sent = token;
          const metadata = new Metadata();
          metadata.set(TOKEN_HEADER, token);
          done(null, metadata);
        },
        (error: unknown) => done(failureOf(error)),
      );
    });
    const call = nextCall({ ...options, credentials: options.credentials?.compose(bearer) ?? bearer });
    return new InterceptingCall(call, {
      start(metadata, _listener, next) {
        // The caller may use its metadata again.
        const own = metadata.clone();
        own.remove(TOKEN_HEADER);
        next(own, {
          onReceiveStatus(outcome, pass) {
            if (outcome.code === status.UNAUTHENTICATED && sent !== undefined) source.invalidate(sent);
            pass(outcome);
          },
        });
      },
    });
  };
}

/** Checked here: grpc-js would repeat a wrong token in its error. */
async function tokenOf(source: Pick<TokenSource, "token">): Promise<string> {
  const token: unknown = await source.token();
  if (typeof token === "string" && /^[\x21-\x7e]+$/.test(token)) return token;
  throw new Error("the token cannot be sent in a header");
}

/** The error of a call without a token: grpc-js lets credentials fail with few codes (gRFC A54). */
function failureOf(error: unknown): RpcError {
  if (error instanceof RpcError && error.code === status.UNAVAILABLE) return error;
  return new RpcError(status.UNAUTHENTICATED, error instanceof Error ? error.message : "there is no token");
}
