// The examples run and compile against the packed tarball, with only jose and their framework.

import { execFile, execFileSync, spawn } from "node:child_process";
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { expect, onTestFinished, test } from "vitest";
import { DeviceService } from "../../examples/devices_pb.ts";
import { freePort } from "../free-port.ts";
import { installPacked } from "../packed.ts";
import { fencesIn } from "../pages.ts";
import { temporaryFolder } from "../program.ts";
import { validToken } from "../vectors/forge.ts";
import { newMint, startIssuer } from "./issuer.ts";

const FRAMEWORKS = {
  express: ["express", "@types/express"],
  fastify: ["fastify"],
  hono: ["hono", "@hono/node-server"],
  connect: ["@connectrpc/connect", "@connectrpc/connect-node", "@bufbuild/protobuf"],
  "grpc-js": ["@grpc/grpc-js", "@grpc/proto-loader"],
};
type FrameworkName = keyof typeof FRAMEWORKS;

/** Calls an example by its own protocol. @returns the device_key, or the error */
type Ask = (url: string, headers: Readonly<Record<string, string>>) => Promise<unknown>;

const overHttp: Ask = async (url, headers) => {
  const { device_key: deviceKey, reason } = Object(await (await fetch(`${url}/whoami`, { headers })).json());
  return deviceKey ?? reason;
};

const overGrpc: Ask = async (baseUrl, headers) => {
  const client = createClient(DeviceService, createGrpcTransport({ baseUrl }));
  return client.whoAmI({}, { headers }).then(
    ({ deviceKey }) => deviceKey,
    (error: Error) => (/no token was sent/.test(error.message) ? "missing" : error.message),
  );
};

const overConnect: Ask = async (url, headers) => {
  const response = await fetch(`${url}/example.v1.DeviceService/WhoAmI`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: "{}",
  });
  const { deviceKey, message } = Object(await response.json());
  return deviceKey ?? (/^no token was sent/.test(message) ? "missing" : message);
};

const ASK: Readonly<Record<FrameworkName, Ask>> = {
  express: overHttp,
  fastify: overHttp,
  hono: overHttp,
  connect: overConnect,
  "grpc-js": overGrpc,
};

/** Installs the tarball with jose as the only other package, and copies the examples out of it. */
async function installAlone(folder: string): Promise<string> {
  const installed = await installPacked(folder, ["@types/node", ...Object.values(FRAMEWORKS).flat()]);
  rmSync(join(installed, "node_modules"));
  mkdirSync(join(installed, "node_modules"));
  symlinkSync(resolve("node_modules/jose"), join(installed, "node_modules", "jose"));
  const examples = join(installed, "examples");
  for (const example of ["devices.proto", "devices_pb.ts", ...globSync("verify-*.ts", { cwd: examples })]) {
    cpSync(join(examples, example), join(folder, example));
  }
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  return installed;
}

/** Runs all examples in one process, each on its own port. Any error ends it. */
const RUN_ALL = `
  for (const [name, port] of JSON.parse(process.argv[1])) {
    process.env.PORT = port;
    await import(process.cwd() + "/verify-" + name + ".ts");
  }`;

const RUN_LAMBDA = `
  const { handler } = await import(process.cwd() + "/lambda.ts");
  const answers = await Promise.all(JSON.parse(process.argv[1]).map(handler));
  process.stdout.write(JSON.stringify(answers));`;

/** A service that exports our types, so that its compiler names them in declarations. */
const GUARDS = `
import * as grpc from "@grpc/grpc-js";
import { createVerifier, errorResponse, tokenOf, type ErrorResponse, type SentHeaders, type Verifier } from "countersign/verify";
import * as connect from "countersign/verify/connect";
import * as express from "countersign/verify/express";
import * as fastify from "countersign/verify/fastify";
import * as grpcJs from "countersign/verify/grpc-js";
import * as hono from "countersign/verify/hono";
const verifier: Verifier = createVerifier({ issuer: "https://a.example", audience: "devices", allowHttp: false });
const options: connect.RequireTokenOptions & express.RequireTokenOptions & fastify.RequireTokenOptions &
  grpcJs.RequireTokenOptions & hono.RequireTokenOptions =
  { authorization: true, onError: ({ message, cause }) => console.warn(message, cause) };
export const guards = {
  connect: connect.requireToken(verifier, options),
  express: express.requireToken(verifier, options),
  fastify: fastify.requireToken(verifier, options),
  grpc: grpcJs.requireToken(verifier, grpc, options),
  hono: hono.requireToken(verifier, options),
};
export const names = { errorResponse, tokenOf };
export type Names = [ErrorResponse, SentHeaders];
`;

test("the examples run and compile from the tarball, with only jose", async () => {
  const folder = temporaryFolder();
  const installed = await installAlone(folder);

  // Only jose is imported, also for types: a service has no other framework's types.
  const imported = (ending: string): string[] =>
    globSync(`dist/src/verify/*${ending}`, { cwd: installed }).flatMap((file) =>
      [...readFileSync(join(installed, file), "utf8").matchAll(/^(?:import|export)\b[^;]* from "([^"]+)"/gm)].map(
        ([, name = ""]) => name,
      ),
    );
  const foreign = (ending: string): string[] => imported(ending).filter((name) => !name.startsWith("./"));
  expect(new Set(foreign(".js"))).toEqual(new Set(["jose"]));
  expect(new Set(foreign(".d.ts"))).toEqual(new Set(["jose"]));

  const mint = newMint("key-1");
  const issuer = await startIssuer();
  const own = { ...mint, issuer: issuer.url, now: Date.now() };
  issuer.publish(own);

  const names = Object.keys(FRAMEWORKS).filter((name): name is FrameworkName => name in FRAMEWORKS);
  const ports = new Map<FrameworkName, number>();
  for (const name of names) ports.set(name, await freePort());
  const env = { ...process.env, ISSUER: issuer.url, AUDIENCE: own.audience };
  const services = spawn(process.execPath, ["--input-type=module", "-e", RUN_ALL, JSON.stringify([...ports])], {
    cwd: folder,
    env,
    stdio: ["ignore", "inherit", "inherit"],
  });
  onTestFinished(() => void services.kill());
  for (const [name, port] of ports) {
    const ask = (headers: Readonly<Record<string, string>>): Promise<unknown> =>
      ASK[name](`http://127.0.0.1:${port}`, headers).catch((error: unknown) => `it does not answer: ${error}`);
    await expect.poll(() => ask({ "x-access-token": validToken(own) }), { timeout: 20_000 }).toBe("sensor-1");
    expect([name, await ask({})]).toEqual([name, "missing"]);
  }

  const [first = "", ...others] = fencesIn(readFileSync(join(installed, "docs/verify.md"), "utf8"), "ts");
  const lambda = others.at(-1) ?? "";
  writeFileSync(join(folder, "lambda.ts"), lambda);
  const events = [{ headers: { "X-Access-Token": validToken(own) } }, { headers: {} }];
  const runLambda = ["--input-type=module", "-e", RUN_LAMBDA, JSON.stringify(events)];
  const { stdout } = await promisify(execFile)(process.execPath, runLambda, { cwd: folder, env });
  expect(JSON.parse(stdout)).toMatchObject([
    { statusCode: 200, body: '{"device_key":"sensor-1"}' },
    { statusCode: 401, body: expect.stringContaining('"reason":"missing"') },
  ]);

  writeFileSync(join(folder, "first.ts"), first);
  writeFileSync(join(folder, "guards.ts"), GUARDS);
  const wrong =
    'import { createVerifier } from "countersign/verify";\ncreateVerifier({ issuer: "https://a.example" });\n';
  const wrongly = names.map(
    (name) => `import { identityOf } from "countersign/verify/${name}";\nidentityOf(null as never).token;\n`,
  );
  for (const [at, text] of [wrong, ...wrongly].entries()) writeFileSync(join(folder, `wrong-${at}.ts`), text);
  const compilerOptions = {
    ...{ target: "es2024", module: "nodenext", types: ["node"], strict: true, exactOptionalPropertyTypes: true },
    ...{ noEmit: true, declaration: true, allowImportingTsExtensions: true, skipLibCheck: false },
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions }));
  expect(compilerErrorsOf(folder)).toEqual([
    expect.stringMatching(/^wrong-0\.ts.+TS2741.+'audience'/),
    ...names.map((_, at) => expect.stringMatching(new RegExp(`^wrong-${at + 1}\\.ts.+TS2339.+'Identity'`))),
  ]);
});

/** The compiler's errors in a folder, a line each. */
function compilerErrorsOf(folder: string): string[] {
  try {
    execFileSync(process.execPath, [resolve("node_modules/typescript/bin/tsc")], { cwd: folder, encoding: "utf8" });
    return [];
  } catch (error) {
    const output = String(Object(error).stdout);
    return output.split("\n").filter((line) => /^\S/.test(line));
  }
}
