// Services that require a token, one for each framework, each called by a client of its own kind.

import { createServer, type RequestListener } from "node:http";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { connectNodeAdapter, createConnectTransport } from "@connectrpc/connect-node";
import * as grpc from "@grpc/grpc-js";
import express from "express";
import fastify from "fastify";
import { Hono } from "hono";
import { onTestFinished } from "vitest";
import { AuthService, LoginResponseSchema } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { AuthServiceClient, AuthServiceService } from "../../gen/grpc/countersign/auth/v1/auth.ts";
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
  readonly headers: Readonly<Record<string, string | undefined>>;
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

/** The headers of an answer that tests look at. */
function pickHeaders(read: (name: string) => string | null | undefined): Answer["headers"] {
  const names = ["www-authenticate", "retry-after", "content-type"];
  return Object.fromEntries(names.map((name) => [name, read(name) ?? undefined]));
}

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
  const body: unknown = text.startsWith("{") ? JSON.parse(text) : text;
  const headers = pickHeaders((name) => response.headers.get(name));
  return { status: response.status, headers, body, ...(response.status === 200 ? { deviceKey: text } : {}) };
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
  const client = createClient(AuthService, createConnectTransport({ baseUrl, httpVersion: "1.1" }));
  return (headers) =>
    client.login({}, { headers }).then(
      ({ token }) => ({ status: 200, headers: {}, body: undefined, deviceKey: token }),
      (error: unknown) => {
        const { code, rawMessage, metadata, details } = ConnectError.from(error);
        const seen = pickHeaders((name) => metadata.get(name));
        return { status: code, headers: seen, body: { message: rawMessage, details } };
      },
    );
};

const startGrpc: Framework["start"] = async (verifier, options) => {
  const { requireToken, identityOf } = grpcVerify;
  const server = new grpc.Server({ interceptors: [requireToken(verifier, grpc, options)] });
  server.addService(AuthServiceService, {
    login: (call: grpc.ServerUnaryCall<unknown, unknown>, answer: grpc.sendUnaryData<unknown>) =>
      answer(null, { token: identityOf(call).deviceKey, expires_in: 0 }),
    getServerTime: (_call: unknown, answer: grpc.sendUnaryData<unknown>) => answer(null, {}),
  });
  const client = new AuthServiceClient(await serveGrpc(server), grpc.credentials.createInsecure());
  onTestFinished(() => client.close());
  return (headers) =>
    new Promise((resolve) => {
      const metadata = new grpc.Metadata();
      for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
      client.login({ device_key: "", device_signature: "", timestamp: undefined }, metadata, (error, answer) => {
        if (error === null) return resolve({ status: 0, headers: {}, body: undefined, deviceKey: answer.token });
        const seen = pickHeaders((name) => error.metadata.get(name)[0]?.toString());
        const details = error.metadata.get("grpc-status-details-bin");
        resolve({ status: error.code, headers: seen, body: { message: error.details, details } });
      });
    });
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
