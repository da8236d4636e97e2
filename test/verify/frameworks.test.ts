// requireToken in each framework passes valid tokens and answers errors.

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
import { HealthImplementation } from "grpc-health-check";
import { Hono } from "hono";
import { expect, onTestFinished, test } from "vitest";
import { AuthService } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { ErrorInfoSchema } from "../../gen/es/google/rpc/error_details_pb.ts";
import { AuthServiceService } from "../../gen/grpc/countersign/auth/v1/auth.ts";
import * as connectVerify from "../../src/verify/connect.ts";
import {
  keysUnavailable,
  tokenExpired,
  tokenInvalid,
  tokenMissing,
  type VerifyError,
} from "../../src/verify/errors.ts";
import { errorResponse, type Verifier } from "../../src/verify/exports.ts";
import * as expressVerify from "../../src/verify/express.ts";
import * as fastifyVerify from "../../src/verify/fastify.ts";
import * as grpcVerify from "../../src/verify/grpc-js.ts";
import * as honoVerify from "../../src/verify/hono.ts";
import type { RequireTokenOptions } from "../../src/verify/require-token.ts";
import { validToken } from "../vectors/forge.ts";
import { newMint, startIssuer, verifierOf } from "./issuer.ts";
import { serveGrpc, serveHttp } from "./serve.ts";

/** The errors of the verifier, by the token that is sent. The second message needs a length of two bytes in protobuf. */
const ERRORS: Readonly<Record<string, VerifyError>> = {
  none: tokenMissing(),
  broken: tokenInvalid("it is not three parts of base64url with dots between them"),
  old: tokenExpired(),
  early: keysUnavailable(1_001, undefined),
};

const verifier: Verifier = {
  async verify(token) {
    const error = ERRORS[token ?? "none"];
    if (error !== undefined) throw error;
    const [issuedAt, expiresAt] = [new Date(0), new Date(1)];
    return { deviceKey: `the device of ${token}`, customerId: "c-1", jti: "j-1", issuedAt, expiresAt };
  },
};

const headersOf = (token: string) => new Headers(token === "none" ? {} : { "x-access-token": token });

type StartHttp = (options: RequireTokenOptions) => Promise<(headers: Headers) => Promise<Response>>;

const startExpress: StartHttp = async (options) => {
  const app = express();
  app.use(expressVerify.requireToken(verifier, options));
  app.get("/", (request, response) => response.send(expressVerify.identityOf(request).deviceKey));
  const url = await serveHttp(app);
  return (headers) => fetch(url, { headers });
};

const startFastify: StartHttp = async (options) => {
  const app = fastify();
  app.register((inner, _options, done) => {
    inner.addHook("onRequest", fastifyVerify.requireToken(verifier, options));
    inner.get("/", async (request) => fastifyVerify.identityOf(request).deviceKey);
    done();
  });
  const url = await app.listen({ port: 0, host: "127.0.0.1" });
  onTestFinished(() => app.close());
  return (headers) => fetch(url, { headers });
};

const startHono: StartHttp = async (options) => {
  const app = new Hono();
  app.use("/", honoVerify.requireToken(verifier, options));
  app.get("/", (context) => context.text(honoVerify.identityOf(context).deviceKey));
  return async (headers) => app.request("/", { headers });
};

test.each([
  ["Express", startExpress],
  ["Fastify", startFastify],
  ["Hono", startHono],
])("%s lets a valid token through, and answers and reports each error", async (_name, start) => {
  const reported: VerifyError[] = [];
  const ask = await start({ authorization: true, onError: (error) => reported.push(error) });
  for (const headers of [headersOf("valid"), new Headers({ authorization: "bearer valid" })])
    expect(await (await ask(headers)).text()).toBe("the device of valid");
  for (const [token, error] of Object.entries(ERRORS)) {
    const answer = await ask(headersOf(token));
    const { status, headers, body } = errorResponse(error);
    expect([answer.status, await answer.text()]).toEqual([status, body]);
    for (const [name, value] of Object.entries(headers)) expect(answer.headers.get(name)).toContain(value);
  }
  expect(reported).toEqual(Object.values(ERRORS));
});

type StartRpc = (options: RequireTokenOptions) => Promise<Transport>;

async function startConnect(options: Parameters<typeof connectVerify.requireToken>[1]): Promise<Transport> {
  const { requireToken, identityOf } = connectVerify;
  const baseUrl = await serveHttp(
    connectNodeAdapter({
      interceptors: [requireToken(verifier, options)],
      routes: (router) =>
        router.service(AuthService, {
          login: (_request, context) => ({ token: identityOf(context).deviceKey }),
          getServerTime(_request, context) {
            expect(() => identityOf(context)).toThrow("there is no identity: put requireToken()");
            return { serverTime: 7 };
          },
        }),
    }),
  );
  return createConnectTransport({ baseUrl, httpVersion: "1.1" });
}

const startGrpc: StartRpc = async (options) => {
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
  return createGrpcTransport({ baseUrl, sessionManager });
};

test.each([
  ["Connect", startConnect],
  ["grpc-js", startGrpc],
])("%s lets a valid token through, and answers and reports each error", async (_name, start) => {
  const reported: VerifyError[] = [];
  const transport = await start({ authorization: true, onError: (error) => reported.push(error) });
  const { login } = createClient(AuthService, transport);
  for (const headers of [headersOf("valid"), new Headers({ authorization: "bearer valid" })])
    expect((await login({}, { headers })).token).toBe("the device of valid");
  for (const [token, error] of Object.entries(ERRORS)) {
    const failure = ConnectError.from(
      await login({}, { headers: headersOf(token) }).catch((thrown: unknown) => thrown),
    );
    const { reason, message } = error;
    const code = reason === "unavailable" ? Code.Unavailable : Code.Unauthenticated;
    expect(failure).toMatchObject({ code, rawMessage: message });
    expect(failure.findDetails(ErrorInfoSchema)).toMatchObject([{ reason, domain: "countersign" }]);
    const { "Content-Type": _type, ...headers } = errorResponse(error).headers;
    for (const [name, value] of Object.entries(headers)) expect(failure.metadata.get(name)).toBe(value);
  }
  expect(reported).toEqual(Object.values(ERRORS));
});

const CHECK = "/grpc.health.v1.Health/Check";
const WATCH = "/grpc.health.v1.Health/Watch";

async function openClient(server: grpc.Server): Promise<grpc.Client> {
  const client = new grpc.Client(await serveGrpc(server), grpc.credentials.createInsecure());
  onTestFinished(() => client.close());
  return client;
}

const { OK, UNAUTHENTICATED } = grpc.status;

test.each([
  [[CHECK, WATCH], OK, OK],
  [[CHECK], OK, UNAUTHENTICATED],
  [[], UNAUTHENTICATED, UNAUTHENTICATED],
  [["/grpc.health.v1.Health/check"], UNAUTHENTICATED, UNAUTHENTICATED],
  [["/grpc.health.v1.Healt/Check"], UNAUTHENTICATED, UNAUTHENTICATED],
])("grpc-js: without a token and with %j exempt, Check ends with %d and Watch with %d", async (exempt, ...expected) => {
  const server = new grpc.Server({ interceptors: [grpcVerify.requireToken(verifier, grpc, { exempt })] });
  new HealthImplementation({ "": "SERVING" }).addToServer(server);
  const client = await openClient(server);
  const asIs = (bytes: Buffer): Buffer => bytes;
  // Watch does not end: its first message is the success.
  const statusOf = (path: string): Promise<number> =>
    new Promise((resolve) => {
      const call = client.makeServerStreamRequest(path, asIs, asIs, Buffer.alloc(0));
      call.on("error", ({ code }: grpc.ServiceError) => resolve(code));
      call.once("data", () => {
        resolve(OK);
        call.cancel();
      });
    });
  expect(await Promise.all([CHECK, WATCH].map(statusOf))).toEqual(expected);
});

test("Connect: only exempt methods pass without a token, and without an identity", async () => {
  const exempt = ["/countersign.auth.v1.AuthService/GetServerTime"];
  const client = createClient(AuthService, await startConnect({ exempt }));
  // The token of an exempt call is not checked: no wait for keys, no error for an expired one.
  for (const token of ["none", "old"])
    expect((await client.getServerTime({}, { headers: headersOf(token) })).serverTime).toBe(7);
  await expect(client.login({})).rejects.toThrow(/no token was sent/);
});

test.each(["", "Check", "grpc.health.v1.Health/Check", "/grpc.health.v1.Health", "/a.B/*", "/a.B/C/", "*"])(
  "the method name %j is an error at once",
  (name) => {
    const wrong = { exempt: [CHECK, name] };
    expect(() => connectVerify.requireToken(verifier, wrong)).toThrow(TypeError);
    expect(() => grpcVerify.requireToken(verifier, grpc, wrong)).toThrow(
      `exempt has ${JSON.stringify(name)}: a method is like "/grpc.health.v1.Health/Check"`,
    );
  },
);

const toBytes = (text: string): Buffer => Buffer.from(text);

test("grpc-js: messages wait for the token's check, in order, and with an invalid token no handler is called", async () => {
  const mint = newMint("key-1");
  const path = "/example.Echo/Say";
  const stream = { path, requestStream: true, responseStream: true } as const;
  const codecs = { requestSerialize: toBytes, responseSerialize: toBytes };
  const method = { ...stream, ...codecs, requestDeserialize: String, responseDeserialize: String };
  let calls = 0;
  const say: grpc.handleBidiStreamingCall<string, string> = (call) => {
    calls += 1;
    call.on("data", (text) => call.write(`${grpcVerify.identityOf(call).deviceKey}: ${text}`));
    call.on("end", () => call.end());
  };
  const slow = verifierOf(await startIssuer(mint), mint);
  const server = new grpc.Server({ interceptors: [grpcVerify.requireToken(slow, grpc)] });
  server.addService({ say: method }, { say });
  const client = await openClient(server);

  /** Sends all messages at once. @returns the answers and the status */
  const exchange = (token: string) => {
    const metadata = new grpc.Metadata();
    metadata.set("x-access-token", token);
    const call = client.makeBidiStreamRequest(path, toBytes, String, metadata);
    const answers: string[] = [];
    call.on("data", (text) => answers.push(text));
    call.on("error", () => {});
    for (const text of ["one", "two"]) call.write(text);
    call.end();
    return new Promise((resolve) => call.on("status", ({ code }) => resolve({ answers, code })));
  };
  expect(await exchange(`${validToken(mint)}A`)).toEqual({ answers: [], code: UNAUTHENTICATED });
  expect(calls).toBe(0);
  expect(await exchange(validToken(mint))).toEqual({ answers: ["sensor-1: one", "sensor-1: two"], code: OK });
});
