// Interceptors for every service of a server: methods without a token, and streams that wait for the token's check.

import { create } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { connectNodeAdapter, createConnectTransport } from "@connectrpc/connect-node";
import * as grpc from "@grpc/grpc-js";
import { HealthImplementation, service as health } from "grpc-health-check";
import { expect, onTestFinished, test } from "vitest";
import { AuthService, GetServerTimeResponseSchema } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import * as connectVerify from "../../src/verify/connect.ts";
import { createVerifier, type Verifier } from "../../src/verify/exports.ts";
import * as grpcVerify from "../../src/verify/grpc-js.ts";
import { validToken } from "../vectors/forge.ts";
import { NOW, newMint, startIssuer, verifierOf } from "./issuer.ts";
import { serveGrpc, serveHttp } from "./services.ts";

const mint = newMint("key-1");

/** A verifier without an issuer: a token that needs a key is `unavailable`. */
function newVerifier(): Verifier {
  const { issuer, audience } = mint;
  return createVerifier({ issuer, audience, now: () => NOW, fetch: () => Promise.reject(new Error("no network")) });
}

const CHECK = "/grpc.health.v1.Health/Check";
const WATCH = "/grpc.health.v1.Health/Watch";

async function connectTo(server: grpc.Server): Promise<grpc.Client> {
  const client = new grpc.Client(await serveGrpc(server), grpc.credentials.createInsecure());
  onTestFinished(() => client.close());
  return client;
}

/** Asks a server of grpc.health.v1. @returns the status of a Check and of a Watch, which is 0 as soon as a message comes */
async function askHealth(exempt: readonly string[]): Promise<readonly number[]> {
  const server = new grpc.Server({ interceptors: [grpcVerify.requireToken(newVerifier(), grpc, { exempt })] });
  new HealthImplementation({ "": "SERVING" }).addToServer(server);
  const client = await connectTo(server);
  const asIs = (bytes: Buffer): Buffer => bytes;
  const statusOf = (path: string): Promise<number> =>
    new Promise((resolve) => {
      const call = client.makeServerStreamRequest(path, asIs, asIs, Buffer.alloc(0));
      call.on("error", ({ code }: grpc.ServiceError) => resolve(code));
      call.once("data", () => {
        resolve(0);
        call.cancel();
      });
    });
  return Promise.all([CHECK, WATCH].map(statusOf));
}

test("grpc-js: only exempt methods pass without a token", async () => {
  expect(Object.values(health).map(({ path }) => path)).toEqual(expect.arrayContaining([CHECK, WATCH]));
  const { UNAUTHENTICATED } = grpc.status;
  expect(await askHealth([CHECK, WATCH])).toEqual([0, 0]);
  expect(await askHealth([CHECK])).toEqual([0, UNAUTHENTICATED]);
  for (const exempt of [[], ["/grpc.health.v1.Health/check"], ["/grpc.health.v1.Healt/Check"]]) {
    expect(await askHealth(exempt)).toEqual([UNAUTHENTICATED, UNAUTHENTICATED]);
  }
});

test("Connect: only exempt methods pass without a token, and without an identity", async () => {
  let failure = "";
  const baseUrl = await serveHttp(
    connectNodeAdapter({
      interceptors: [
        connectVerify.requireToken(newVerifier(), { exempt: ["/countersign.auth.v1.AuthService/GetServerTime"] }),
      ],
      routes: (router) =>
        router.service(AuthService, {
          getServerTime: (_request, context) => {
            try {
              connectVerify.identityOf(context);
            } catch (error) {
              failure = String(error);
            }
            return create(GetServerTimeResponseSchema, { serverTime: 7 });
          },
        }),
    }),
  );
  const client = createClient(AuthService, createConnectTransport({ baseUrl, httpVersion: "1.1" }));
  // A token in an exempt call is not checked: no wait for keys, no error for an expired one.
  for (const headers of [{}, { "x-access-token": "a.b.c" }]) {
    expect((await client.getServerTime({}, { headers })).serverTime).toBe(7);
  }
  expect(failure).toMatch("there is no identity: put requireToken() before this handler");
  await expect(client.login({})).rejects.toThrow(/no token was sent/);
});

test("an impossible method name is an error at once", () => {
  for (const name of ["", "Check", "grpc.health.v1.Health/Check", "/grpc.health.v1.Health", "/a.B/*", "/a.B/C/", "*"]) {
    const wrong = { exempt: [CHECK, name] };
    expect(() => connectVerify.requireToken(newVerifier(), wrong)).toThrow(TypeError);
    expect(() => grpcVerify.requireToken(newVerifier(), grpc, wrong)).toThrow(
      `exempt has ${JSON.stringify(name)}: a method is like "/grpc.health.v1.Health/Check"`,
    );
  }
});

const METHOD = {
  path: "/example.Echo/Say",
  requestStream: true,
  responseStream: true,
  requestSerialize: (text: string) => Buffer.from(text),
  requestDeserialize: String,
  responseSerialize: (text: string) => Buffer.from(text),
  responseDeserialize: String,
} as const;

/** A service that echoes each message after the device_key, and counts its calls. */
async function startEcho(): Promise<{ client: grpc.Client; calls: () => number }> {
  const verifier = verifierOf(await startIssuer(mint), mint);
  let calls = 0;
  const say: grpc.handleBidiStreamingCall<string, string> = (call) => {
    calls += 1;
    call.on("data", (text) => call.write(`${grpcVerify.identityOf(call).deviceKey}: ${text}`));
    call.on("end", () => call.end());
  };
  const server = new grpc.Server({ interceptors: [grpcVerify.requireToken(verifier, grpc)] });
  server.addService({ say: METHOD }, { say });
  return { client: await connectTo(server), calls: () => calls };
}

/** Sends all messages at once. @returns the answers and the status */
function exchange(client: grpc.Client, token: string): Promise<{ answers: string[]; code: number }> {
  const metadata = new grpc.Metadata();
  metadata.set("x-access-token", token);
  const { path, requestSerialize, responseDeserialize } = METHOD;
  const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata);
  const answers: string[] = [];
  call.on("data", (text) => answers.push(text));
  call.on("error", () => {});
  for (const text of ["one", "two", "three"]) call.write(text);
  call.end();
  return new Promise((resolve) => call.on("status", ({ code }) => resolve({ answers, code })));
}

test("grpc-js: messages that are sent before the token's check wait for the check, in order", async () => {
  const { client } = await startEcho();
  expect(await exchange(client, validToken(mint))).toEqual({
    answers: ["sensor-1: one", "sensor-1: two", "sensor-1: three"],
    code: grpc.status.OK,
  });
});

test("grpc-js: the handler of a stream is not called with an invalid token", async () => {
  const { client, calls } = await startEcho();
  expect(await exchange(client, `${validToken(mint)}A`)).toEqual({ answers: [], code: grpc.status.UNAUTHENTICATED });
  expect(calls()).toBe(0);
});
