// buf curl calls every method of the gateway by reflection alone.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Code } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { AdminService } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { AuthService } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { TokenService } from "../../gen/es/countersign/token/v1/token_pb.ts";
import { ADMIN_TOKEN, startFileGateway } from "../gateway.ts";
import { type Outcome, temporaryFolder } from "../program.ts";
import { runProgram, succeed } from "./programs.ts";

const BUF = [process.execPath, "node_modules/@bufbuild/buf/bin/buf", "curl", "--http2-prior-knowledge"];
const WATCH = "grpc.health.v1.Health/Watch";
const METHODS: readonly string[] = [
  ...[AuthService, TokenService, AdminService].flatMap(({ typeName, methods }) =>
    methods.map(({ name }) => `${typeName}/${name}`),
  ),
  ...["grpc.health.v1.Health/Check", "grpc.health.v1.Health/List", WATCH],
  ...["v1", "v1alpha"].map((version) => `grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`),
];
const SERVICES = Map.groupBy(METHODS, (method) => method.slice(0, method.indexOf("/")));

/** Codes of errors that a method may give for an empty request. Not unauthenticated: the admin token is sent. */
const EXPECTED_CODES = [Code.InvalidArgument, Code.NotFound, Code.AlreadyExists, Code.FailedPrecondition, Code.Aborted];

const { internalUrl } = await startFileGateway();

describe.each(["connect", "grpcweb", "grpc"])("buf curl by %s", (protocol) => {
  const command = [...BUF, "--protocol", protocol];

  test.each(["grpc-v1", "grpc-v1alpha"])("lists all services and methods by %s", async (version) => {
    const list = async (flag: string): Promise<string[]> =>
      (await succeed([...command, "--reflect-protocol", version, flag, internalUrl])).trim().split("\n");
    expect(new Set(await list("--list-services"))).toEqual(new Set(SERVICES.keys()));
    expect(new Set(await list("--list-methods"))).toEqual(new Set(METHODS));
  });

  test.each([...SERVICES])("calls each method of %s", async (_service, methods) => {
    // A file, so that no command line shows the admin token.
    const headers = join(temporaryFolder(), "headers");
    writeFileSync(headers, `Authorization: Bearer ${ADMIN_TOKEN}\n`, { mode: 0o600 });
    for (const method of methods) {
      const body = method.includes("reflection") ? '{"list_services": ""}' : "{}";
      // Watch has no end.
      const limit = method === WATCH ? "2s" : "10s";
      const flags = ["--timeout", limit, "--header", `@${headers}`, "--data", body];
      const outcome = await runProgram([...command, ...flags, `${internalUrl}/${method}`]);
      expect(isExpected(method, outcome), `${method}: ${JSON.stringify(outcome)}`).toBe(true);
    }
  });
});

/** buf exits with the code of an error times eight, and below eight for its own errors. */
function isExpected(method: string, { status, stdout, stderr }: Outcome): boolean {
  if (status === 0) return stdout.trim() !== "";
  if (method === WATCH) return status === Code.DeadlineExceeded * 8 && stdout.includes('"SERVING"');
  const hasReason = !method.startsWith("countersign.") || stderr.includes('"google.rpc.ErrorInfo"');
  return hasReason && EXPECTED_CODES.some((code) => status === code * 8);
}
