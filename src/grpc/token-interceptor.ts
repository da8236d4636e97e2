// Puts a device's token into the calls of any grpc-js client, and hears which tokens are refused. Knows no service.

import { credentials, InterceptingCall, type Interceptor, Metadata, status } from "@grpc/grpc-js";
import { TOKEN_HEADER, type TokenSource } from "./token-source.ts";

/**
 * An interceptor for the `interceptors` of a client or of one call: each call carries the source's present token as
 * `x-access-token`. A call without a token fails with the code of the failed login; one that is answered with UNAUTHENTICATED
 * has its token given up.
 */
export function createTokenInterceptor(source: Pick<TokenSource, "token" | "invalidate">): Interceptor {
  return (options, nextCall) => {
    let sent: string | undefined;
    // As call credentials, so that a call ends at its deadline, or when it is cancelled, while it waits for a token.
    const bearer = credentials.createFromMetadataGenerator((_call, done) => {
      source.token().then(
        (token) => {
          sent = token;
          const metadata = new Metadata();
          metadata.set(TOKEN_HEADER, token);
          done(null, metadata);
        },
        (error: unknown) => done(error instanceof Error ? error : new Error("there is no token")),
      );
    });
    const call = nextCall({ ...options, credentials: options.credentials?.compose(bearer) ?? bearer });
    return new InterceptingCall(call, {
      start(metadata, _listener, next) {
        metadata.remove(TOKEN_HEADER);
        next(metadata, {
          onReceiveStatus(outcome, pass) {
            if (outcome.code === status.UNAUTHENTICATED && sent !== undefined) source.invalidate(sent);
            pass(outcome);
          },
        });
      },
    });
  };
}
