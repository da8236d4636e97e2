// Health and reflection on the internal listener, asked by grpc-js and by buf curl as tools do.

import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { credentials, type GrpcObject, loadPackageDefinition } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { protoPath } from "grpc-health-check";
import { expect, test } from "vitest";
import { signLogin } from "../../src/cli/sign.ts";
import { CUSTOMER_KEY, startTestGateway } from "../gateway.ts";

interface HealthClient {
  check(request: { service: string }, callback: (error: Error | null, response?: { status: string }) => void): void;
  close(): void;
}

function healthClient(address: string): HealthClient {
  let found: GrpcObject | GrpcObject[string] = loadPackageDefinition(loadSync(protoPath, { enums: String }));
  for (const name of ["grpc", "health", "v1", "Health"]) found = Reflect.get(found, name);
  if (typeof found !== "function") throw new TypeError("Health is a client constructor");
  const client: unknown = new found(address, credentials.createInsecure());
  if (!isHealthClient(client)) throw new TypeError("the client has a check method");
  return client;
}

function isHealthClient(client: unknown): client is HealthClient {
  return typeof client === "object" && client !== null && "check" in client && "close" in client;
}

test("every service, and the whole, is serving; another is unknown", async () => {
  const { internalUrl } = await startTestGateway();
  const client = healthClient(new URL(internalUrl).host);
  const check = (service: string) =>
    new Promise((resolve) =>
      client.check({ service }, (error, response) => resolve(error?.message ?? response?.status)),
    );
  expect(await check("")).toBe("SERVING");
  expect(await check("countersign.auth.v1.AuthService")).toBe("SERVING");
  expect(await check("countersign.admin.v1.AdminService")).toBe("SERVING");
  expect(await check("nobody")).toMatch(/^5 NOT_FOUND/);
  client.close();
});

test("buf curl lists the services and logs in, with nothing but reflection", { timeout: 60_000 }, async () => {
  const { internalUrl, enrol } = await startTestGateway();
  const buf = async (input: string, ...args: readonly string[]) => {
    const child = spawn(process.execPath, [
      "node_modules/@bufbuild/buf/bin/buf",
      "curl",
      "--http2-prior-knowledge",
      "--protocol",
      "grpc",
      ...args,
    ]);
    child.stdin.end(input);
    const [output, complaint] = await Promise.all([text(child.stdout), text(child.stderr)]);
    expect(complaint).toBe("");
    return output;
  };
  for (const version of ["grpc-v1", "grpc-v1alpha"]) {
    const listed = await buf("", "--reflect-protocol", version, "--list-services", internalUrl);
    expect(listed.trim().split("\n").sort()).toEqual([
      "countersign.admin.v1.AdminService",
      "countersign.auth.v1.AuthService",
      "countersign.token.v1.TokenService",
    ]);
  }
  const schema = ["--schema", "node_modules/grpc-health-check/proto"];
  const health = await buf("", ...schema, "--data", "{}", `${internalUrl}/grpc.health.v1.Health/Check`);
  expect(JSON.parse(health)).toEqual({ status: "SERVING" });
  const login = signLogin({ deviceKey: await enrol(), customerKey: CUSTOMER_KEY }, Math.floor(Date.now() / 1000));
  const method = `${internalUrl}/countersign.auth.v1.AuthService/Login`;
  const answer = await buf(JSON.stringify(login), "--data", "@-", method);
  expect(JSON.parse(answer)).toEqual({ token: expect.stringMatching(/^eyJ/), expiresIn: 600 });
});
