// requireToken and streams of grpc-js: messages that are sent before the token is checked wait for it.

import * as grpc from "@grpc/grpc-js";
import { expect, onTestFinished, test } from "vitest";
import { createVerifier } from "../../src/verify/exports.ts";
import { identityOf, requireToken } from "../../src/verify/grpc-js.ts";
import { goodToken } from "../vectors/forge.ts";
import { bindAnyPort } from "./grpc-server.ts";
import { NOW, newMint } from "./issuer.ts";
import { startIssuer } from "./start-issuer.ts";

const mint = newMint("key-1");
const METHOD = {
  path: "/example.Echo/Say",
  requestStream: true,
  responseStream: true,
  requestSerialize: (text: string) => Buffer.from(text),
  requestDeserialize: String,
  responseSerialize: (text: string) => Buffer.from(text),
  responseDeserialize: String,
} as const;

/** Echoes, each message with the device before it; counts the calls that reach it. */
async function startEcho(): Promise<{ client: grpc.Client; calls: () => number }> {
  const { url } = await startIssuer(mint);
  const verifier = createVerifier({
    issuer: mint.issuer,
    audience: mint.audience,
    jwksUrl: url,
    now: () => NOW,
  });
  let calls = 0;
  const say: grpc.handleBidiStreamingCall<string, string> = (call) => {
    calls += 1;
    call.on("data", (text) => call.write(`${identityOf(call).deviceKey}: ${text}`));
    call.on("end", () => call.end());
  };
  const server = new grpc.Server({ interceptors: [requireToken(verifier, grpc)] });
  server.addService({ say: METHOD }, { say });
  const client = new grpc.Client(await bindAnyPort(server), grpc.credentials.createInsecure());
  onTestFinished(() => {
    client.close();
    server.forceShutdown();
  });
  return { client, calls: () => calls };
}

/** Sends all at once. @returns what came back, and the status */
function talk(client: grpc.Client, token: string): Promise<{ heard: string[]; code: number }> {
  const metadata = new grpc.Metadata();
  metadata.set("x-access-token", token);
  const { path, requestSerialize, responseDeserialize } = METHOD;
  const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata);
  const heard: string[] = [];
  call.on("data", (text) => heard.push(text));
  call.on("error", () => {});
  for (const text of ["one", "two", "three"]) call.write(text);
  call.end();
  return new Promise((resolve) => call.on("status", ({ code }) => resolve({ heard, code })));
}

test("all messages arrive with a good token, in order", async () => {
  const { client } = await startEcho();
  expect(await talk(client, goodToken(mint))).toEqual({
    heard: ["sensor-1: one", "sensor-1: two", "sensor-1: three"],
    code: grpc.status.OK,
  });
});

test("the handler is not called with a bad token", async () => {
  const { client, calls } = await startEcho();
  expect(await talk(client, `${goodToken(mint)}A`)).toEqual({ heard: [], code: grpc.status.UNAUTHENTICATED });
  expect(calls()).toBe(0);
});
