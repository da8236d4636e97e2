// Interceptors for every service of a server: methods without a token, and streams that wait for the token's check.

import { create } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { connectNodeAdapter, createConnectTransport } from "@connectrpc/connect-node";
import * as grpc from "@grpc/grpc-js";
import { HealthImplementation } from "grpc-health-check";
import { expect, onTestFinished, test } from "vitest";
import { AuthService, GetServerTimeResponseSchema } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import * as connectVerify from "../../src/verify/connect.ts";
import { tokenMissing } from "../../src/verify/errors.ts";
import type { Verifier } from "../../src/verify/exports.ts";
import * as grpcVerify from "../../src/verify/grpc-js.ts";
import { validToken } from "../vectors/forge.ts";
import { newMint, startIssuer, verifierOf } from "./issuer.ts";
import { serveGrpc, serveHttp } from "./serve.ts";

const NONE: Verifier = { verify: () => Promise.reject(tokenMissing()) };
const CHECK = "/grpc.health.v1.Health/Check";
const WATCH = "/grpc.health.v1.Health/Watch";

async function connectTo(server: grpc.Server): Promise<grpc.Client> {
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
  const server = new grpc.Server({ interceptors: [grpcVerify.requireToken(NONE, grpc, { exempt })] });
  new HealthImplementation({ "": "SERVING" }).addToServer(server);
  const client = await connectTo(server);
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
  const baseUrl = await serveHttp(
    connectNodeAdapter({
      interceptors: [connectVerify.requireToken(NONE, { exempt })],
      routes: (router) =>
        router.service(AuthService, {
          getServerTime: (_request, context) => {
            expect(() => connectVerify.identityOf(context)).toThrow("there is no identity: put requireToken()");
            return create(GetServerTimeResponseSchema, { serverTime: 7 });
          },
        }),
    }),
  );
  const client = createClient(AuthService, createConnectTransport({ baseUrl, httpVersion: "1.1" }));
  // The token of an exempt call is not checked: no wait for keys, no error for an expired one.
  for (const headers of [{}, { "x-access-token": "a.b.c" }])
    expect((await client.getServerTime({}, { headers })).serverTime).toBe(7);
  await expect(client.login({})).rejects.toThrow(/no token was sent/);
});

test.each(["", "Check", "grpc.health.v1.Health/Check", "/grpc.health.v1.Health", "/a.B/*", "/a.B/C/", "*"])(
  "the method name %j is an error at once",
  (name) => {
    const wrong = { exempt: [CHECK, name] };
    expect(() => connectVerify.requireToken(NONE, wrong)).toThrow(TypeError);
    expect(() => grpcVerify.requireToken(NONE, grpc, wrong)).toThrow(
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
  const verifier = verifierOf(await startIssuer(mint), mint);
  const server = new grpc.Server({ interceptors: [grpcVerify.requireToken(verifier, grpc)] });
  server.addService({ say: method }, { say });
  const client = await connectTo(server);

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
