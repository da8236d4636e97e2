// Puts a device's token into the calls of any grpc-js client, and hears which tokens are refused. Knows no service.

import { credentials, InterceptingCall, type Interceptor, Metadata, status } from "@grpc/grpc-js";
import { RpcError } from "./rpc-error.ts";
import { TOKEN_HEADER, type TokenSource } from "./token-source.ts";

/** What a header of gRPC can carry as text. */
const LEGAL = /^[\x20-\x7e]+$/;

/** What grpc-js lets no credentials fail with (gRFC A54): it would say INTERNAL, and blame the control plane. */
const UNFIT: readonly status[] = [
  status.OK,
  status.INVALID_ARGUMENT,
  status.NOT_FOUND,
  status.ALREADY_EXISTS,
  status.FAILED_PRECONDITION,
  status.ABORTED,
  status.OUT_OF_RANGE,
  status.DATA_LOSS,
];

/**
 * An interceptor for the `interceptors` of a client or of one call: each call carries the source's present token as
 * `x-access-token`. A call without a token fails with the code of the failed login, or with UNAUTHENTICATED where that has none, or one
 * that grpc-js lets no credentials fail with; one whose token cannot be sent, with INTERNAL. One that is answered with UNAUTHENTICATED has its token given up.
 */
export function createTokenInterceptor(source: Pick<TokenSource, "token" | "invalidate">): Interceptor {
  return (options, nextCall) => {
    let sent: string | undefined;
    // As call credentials, so that a call ends at its deadline, or when it is cancelled, while it waits for a token.
    const bearer = credentials.createFromMetadataGenerator((_call, done) => {
      // A later attempt that gets no token says nothing against that of the one before.
      sent = undefined;
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
        // The caller's own may serve its next call, too.
        const own = metadata.clone();
        own.remove(TOKEN_HEADER);
        next(own, {
          onReceiveStatus(outcome, pass) {
            if (outcome.code === status.UNAUTHENTICATED && sent !== undefined) giveUp(source, sent);
            pass(outcome);
          },
        });
      },
    });
  };
}

/** The source may be any caller's: a token of it is checked here, since grpc-js would repeat a wrong one in its complaint. */
async function tokenOf(source: Pick<TokenSource, "token">): Promise<string> {
  const token: unknown = await source.token();
  if (typeof token === "string" && LEGAL.test(token)) return token;
  throw new RpcError(status.INTERNAL, `internal: the token cannot be sent, since it ${mistakeOf(token)}`);
}

function mistakeOf(token: unknown): string {
  if (typeof token !== "string") return "is not a string";
  if (token === "") return "is empty";
  return /[\r\n]$/.test(token) ? "ends in a line break" : "has a character that no header can carry";
}

/** grpc-js takes any number that it finds as `code` for a status: those of DOMException are none. */
function failureOf(error: unknown): Error {
  if (!(error instanceof Error)) return new RpcError(status.UNAUTHENTICATED, "there is no token");
  const code = "code" in error && !(error instanceof DOMException) ? error.code : undefined;
  return typeof code === "number" && code in status && !UNFIT.includes(code)
    ? error
    : new RpcError(status.UNAUTHENTICATED, error.message);
}

/** Whatever the source makes of it: the call has its answer. */
function giveUp(source: Pick<TokenSource, "invalidate">, token: string): void {
  const told = async (): Promise<void> => source.invalidate(token);
  told().catch(() => {});
}
