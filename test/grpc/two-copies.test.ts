// countersign/grpc beside another copy of grpc-js, as a service has that keeps to another 1.14: what its compiler takes, and what runs.

import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { CUSTOMER_KEY, startTestGateway } from "../gateway.ts";
import { installPacked } from "../packed.ts";
import { temporaryFolder } from "../program.ts";
import { runNode } from "./run-node.ts";

const PROGRAM = `
import { Client, credentials, type Interceptor, Metadata, Server, ServerCredentials, status } from "@grpc/grpc-js";
import { Metadata as Theirs, createTokenClient, createTokenInterceptor, createTokenSource, RpcError } from "countersign/grpc";

const { GATEWAY_URL: url = "", DEVICE_KEY: deviceKey = "", CUSTOMER_KEY: customerKey = "" } = process.env;
const source = createTokenSource({ url, deviceKey, customerKey });

// @ts-expect-error: classes with private parts are types of their own
const mismatched: Interceptor = createTokenInterceptor(source);
const interceptors = [createTokenInterceptor(source) as unknown as Interceptor];

const asIs = (bytes: Buffer): Buffer => bytes;
const codec = { requestSerialize: asIs, requestDeserialize: asIs, responseSerialize: asIs, responseDeserialize: asIs };
const server = new Server();
server.addService(
  { tell: { path: "/a.Service/Tell", requestStream: false, responseStream: false, ...codec } },
  { tell: (call: { metadata: Metadata }, answer: (error: null, told: Buffer) => void) =>
      answer(null, Buffer.from(call.metadata.get("x-access-token").join())) },
);
const port = await new Promise<number>((bound) =>
  server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (_error, at) => bound(at)));
const client = new Client(\`127.0.0.1:\${port}\`, credentials.createInsecure(), { interceptors });
const told = await new Promise<string>((done, fail) => {
  client.makeUnaryRequest("/a.Service/Tell", asIs, asIs, Buffer.from(""), (error, answer) =>
    error === null ? done(String(answer)) : fail(error));
});

const metadata = new Metadata();
metadata.set("traceparent", "00-1-1-01");
metadata.set("trace-bin", Buffer.of(0, 255));
const gateway = createTokenClient({ url });
const identity = await gateway.verify(told, { metadata });
const refused = await gateway.verify("none", { metadata }).catch((error: unknown) => error);
const isRefused = refused instanceof RpcError && refused.code === status.UNAUTHENTICATED;
process.stdout.write([Object.is(Metadata, Theirs), identity.deviceKey, isRefused].join());
server.forceShutdown();
client.close();
`;

test("with two copies the metadata, the codes and the interceptor work, of which the compiler minds the interceptor alone", {
  timeout: 60_000,
}, async () => {
  const folder = temporaryFolder();
  const beside = ["@types/node", "undici-types", "@grpc/proto-loader", "@js-sdsl/ordered-map"];
  await installPacked(folder, beside);
  const copy = join(folder, "node_modules/@grpc/grpc-js");
  cpSync("node_modules/@grpc/grpc-js", copy, { recursive: true });
  // Two of one version are one to the compiler.
  const manifest = JSON.parse(readFileSync(join(copy, "package.json"), "utf8"));
  writeFileSync(join(copy, "package.json"), JSON.stringify({ ...manifest, version: "1.14.0" }));
  writeFileSync(join(folder, "package.json"), '{"type": "module"}');
  writeFileSync(join(folder, "service.ts"), PROGRAM);

  const gateway = await startTestGateway();
  const deviceKey = await gateway.enrol();
  const strict = ["--noEmit", "--strict", "--exactOptionalPropertyTypes", "--module", "nodenext", "--target", "es2024"];
  const [compiled, ran] = await Promise.all([
    runNode(folder, [resolve("node_modules/typescript/bin/tsc"), ...strict, "--types", "node", "service.ts"]),
    runNode(folder, ["service.ts"], { GATEWAY_URL: gateway.internalUrl, DEVICE_KEY: deviceKey, CUSTOMER_KEY }),
  ]);
  expect(compiled).toEqual([0, ""]);
  expect(ran).toEqual([0, `false,${deviceKey},true`]);
});
