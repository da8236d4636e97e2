// Services that require a token, one for each framework, each called by a client of its own kind.

import { createServer, type RequestListener } from "node:http";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import {
  connectNodeAdapter,
  createConnectTransport,
  createGrpcTransport,
  Http2SessionManager,
} from "@connectrpc/connect-node";
import * as grpc from "@grpc/grpc-js";
import express from "express";
import fastify from "fastify";
import { Hono } from "hono";
import { onTestFinished } from "vitest";
import { AuthService, LoginResponseSchema } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { ErrorInfoSchema } from "../../gen/es/google/rpc/error_details_pb.ts";
import { AuthServiceService } from "../../gen/grpc/countersign/auth/v1/auth.ts";
import * as connectVerify from "../../src/verify/connect.ts";
import type { Verifier } from "../../src/verify/exports.ts";
import * as expressVerify from "../../src/verify/express.ts";
import * as fastifyVerify from "../../src/verify/fastify.ts";
import * as grpcVerify from "../../src/verify/grpc-js.ts";
import * as honoVerify from "../../src/verify/hono.ts";
import type { RequireTokenOptions } from "../../src/verify/require-token.ts";
import { listenOnLoopback } from "../free-port.ts";

/** A service's answer: the caller, or the error in the form of its protocol. */
export interface Answer {
  readonly deviceKey?: string;
  readonly status: number;
  readonly header: (name: string) => string | undefined;
  readonly body: unknown;
}

/** Calls a service with these headers. */
type Ask = (headers: Readonly<Record<string, string>>) => Promise<Answer>;

export interface Framework {
  readonly name: string;
  /** Starts a service, which ends with the test. */
  readonly start: (verifier: Verifier, options?: RequireTokenOptions) => Promise<Ask>;
  /** The error's status in HTTP, and its code in gRPC and Connect. */
  readonly unauthenticated: number;
  readonly unavailable: number;
}

const accepted = (status: number, deviceKey: string): Answer => ({
  status,
  deviceKey,
  header: () => undefined,
  body: undefined,
});

/** Serves HTTP until the test ends. @returns the URL */
export async function serveHttp(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${await listenOnLoopback(server)}`;
}

/** Serves gRPC until the test ends. @returns the address, as clients take it */
export async function serveGrpc(server: grpc.Server): Promise<string> {
  onTestFinished(() => server.forceShutdown());
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const answer = (error: Error | null, port: number): void => (error === null ? resolve(port) : reject(error));
  server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), answer);
  return `127.0.0.1:${await promise}`;
}

async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  if (response.status === 200) return accepted(200, text);
  return { status: response.status, header: (name) => response.headers.get(name) ?? undefined, body: JSON.parse(text) };
}

const startExpress: Framework["start"] = async (verifier, options) => {
  const app = express();
  app.use(expressVerify.requireToken(verifier, options));
  app.get("/", (request, response) => response.send(expressVerify.identityOf(request).deviceKey));
  const url = await serveHttp(app);
  return async (headers) => answerOf(await fetch(url, { headers }));
};

const startFastify: Framework["start"] = async (verifier, options) => {
  const app = fastify();
  app.register((inner, _options, done) => {
    inner.addHook("onRequest", fastifyVerify.requireToken(verifier, options));
    inner.get("/", async (request) => fastifyVerify.identityOf(request).deviceKey);
    done();
  });
  const url = await app.listen({ port: 0, host: "127.0.0.1" });
  onTestFinished(() => app.close());
  return async (headers) => answerOf(await fetch(url, { headers }));
};

const startHono: Framework["start"] = async (verifier, options) => {
  const app = new Hono();
  app.use("/", honoVerify.requireToken(verifier, options));
  app.get("/", (context) => context.text(honoVerify.identityOf(context).deviceKey));
  return async (headers) => answerOf(await app.request("/", { headers }));
};

/** Calls Login. The body of an error is its message and its google.rpc.ErrorInfo. */
function askRpc(transport: Transport): Ask {
  const client = createClient(AuthService, transport);
  return (headers) =>
    client.login({}, { headers }).then(
      ({ token }) => accepted(200, token),
      (error: unknown) => {
        const failure = ConnectError.from(error);
        const [info] = failure.findDetails(ErrorInfoSchema);
        const header = (name: string): string | undefined => failure.metadata.get(name) ?? undefined;
        return { status: failure.code, header, body: { message: failure.rawMessage, ...info } };
      },
    );
}

const startConnect: Framework["start"] = async (verifier, options) => {
  const { requireToken, identityOf } = connectVerify;
  const baseUrl = await serveHttp(
    connectNodeAdapter({
      interceptors: [requireToken(verifier, options)],
      routes: (router) =>
        router.service(AuthService, {
          login: (_request, context) => create(LoginResponseSchema, { token: identityOf(context).deviceKey }),
        }),
    }),
  );
  return askRpc(createConnectTransport({ baseUrl, httpVersion: "1.1" }));
};

const startGrpc: Framework["start"] = async (verifier, options) => {
  const { requireToken, identityOf } = grpcVerify;
  const server = new grpc.Server({ interceptors: [requireToken(verifier, grpc, options)] });
  server.addService(AuthServiceService, {
    login: (call: grpc.ServerUnaryCall<unknown, unknown>, answer: grpc.sendUnaryData<unknown>) =>
      answer(null, { token: identityOf(call).deviceKey, expires_in: 0 }),
    getServerTime: (_call: unknown, answer: grpc.sendUnaryData<unknown>) => answer(null, {}),
  });
  const baseUrl = `http://${await serveGrpc(server)}`;
  const sessionManager = new Http2SessionManager(baseUrl);
  // Connect's client does not survive a session that the server destroys.
  onTestFinished(() => sessionManager.abort());
  return askRpc(createGrpcTransport({ baseUrl, sessionManager }));
};

const HTTP = { unauthenticated: 401, unavailable: 503 };
const RPC = { unauthenticated: Code.Unauthenticated, unavailable: Code.Unavailable };

export const FRAMEWORKS: readonly Framework[] = [
  { name: "express", start: startExpress, ...HTTP },
  { name: "fastify", start: startFastify, ...HTTP },
  { name: "hono", start: startHono, ...HTTP },
  { name: "connect", start: startConnect, ...RPC },
  { name: "grpc-js", start: startGrpc, ...RPC },
];
