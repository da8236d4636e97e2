// A gateway that drops connections, refuses streams and keeps calls waiting, and tells what it was sent.

import { once } from "node:events";
import { constants, createServer, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import { buffer } from "node:stream/consumers";
import { onTestFinished } from "vitest";
import { GetServerTimeResponse, LoginRequest, LoginResponse } from "../../gen/grpc/countersign/auth/v1/auth.ts";
import { VerifyResponse } from "../../gen/grpc/countersign/token/v1/token.ts";

/** What becomes of a call that was read to its end. */
export type Act = "answer" | "answer emptily" | "drop" | "refuse" | "hold" | "say unavailable" | keyof typeof PUSHBACKS;

/** How long a read is put off, in an answer of trailers alone, as one that a proxy makes. */
const PUSHBACKS = { "put off for good": "-1", "put off a while": "60000" };

export interface UnrulyGateway {
  readonly url: string;
  /** The method of each call, in order. */
  readonly calls: readonly string[];
  /** The logins among them. */
  readonly logins: readonly LoginRequest[];
  /** Resolves at the next call that is kept waiting, with that which resolves when it is given up. */
  held(): Promise<{ readonly abandoned: Promise<unknown> }>;
}

const ANSWERS: Readonly<Record<string, Uint8Array>> = {
  Login: LoginResponse.encode({ token: "a-token", expires_in: 600 }).finish(),
  GetServerTime: GetServerTimeResponse.encode({ server_time: 1_764_000_000 }).finish(),
  Verify: VerifyResponse.encode({
    device_key: "device-1",
    customer_id: "c-1",
    jti: "token-1",
    issue_time: new Date(1_764_000_000_000),
    expire_time: new Date(1_764_000_600_000),
  }).finish(),
};

/** Starts one that does what it is told, call by call, and answers from then on. It closes with the test. */
export async function startUnrulyGateway(...acts: Act[]): Promise<UnrulyGateway> {
  const calls: string[] = [];
  const logins: LoginRequest[] = [];
  const sessions = new Set<ServerHttp2Session>();
  let holding = Promise.withResolvers<{ abandoned: Promise<unknown> }>();
  const server = createServer();
  server.on("session", (session) => sessions.add(session));
  server.on("stream", async (stream, headers) => {
    stream.on("error", () => {});
    const message = (await buffer(stream)).subarray(5);
    const method = String(headers[":path"]).replace(/.*\//, "");
    calls.push(method);
    if (method === "Login") logins.push(LoginRequest.decode(message));
    const act = acts.shift() ?? "answer";
    if (act === "drop") stream.session?.destroy();
    else if (act === "refuse") stream.close(constants.NGHTTP2_REFUSED_STREAM);
    else if (isPushback(act)) putOff(stream, PUSHBACKS[act]);
    else if (act !== "hold") answer(stream, act === "answer" ? ANSWERS[method] : new Uint8Array(), act);
    else {
      holding.resolve({ abandoned: once(stream, "close") });
      holding = Promise.withResolvers();
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new TypeError("it listens on a port");
  return { url: `http://127.0.0.1:${address.port}`, calls, logins, held: () => holding.promise };
}

/** As gateways do, the headers come first in refusals too. */
function answer(stream: ServerHttp2Stream, message: Uint8Array = new Uint8Array(), act: Act): void {
  const outcome = act === "say unavailable" ? { "grpc-status": "14", "grpc-message": "later" } : { "grpc-status": "0" };
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers(outcome));
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  stream.end(act === "say unavailable" ? undefined : Buffer.concat([head, message]));
}

function isPushback(act: Act): act is keyof typeof PUSHBACKS {
  return Object.hasOwn(PUSHBACKS, act);
}

function putOff(stream: ServerHttp2Stream, pushback: string): void {
  const trailers = { "grpc-status": "14", "grpc-message": "later", "grpc-retry-pushback-ms": pushback };
  stream.respond({ ":status": 200, "content-type": "application/grpc", ...trailers }, { endStream: true });
}
