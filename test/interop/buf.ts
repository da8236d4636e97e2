// buf curl: calls every method of every service, in each protocol, by reflection alone where HTTP/2 allows reflection.

import { Code } from "@connectrpc/connect";
import { AdminService } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { AuthService } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { TokenService } from "../../gen/es/countersign/token/v1/token_pb.ts";
import type { Outcome } from "../program.ts";
import { type Row, runProgram } from "./rows.ts";

const BUF = [process.execPath, "node_modules/@bufbuild/buf/bin/buf", "curl"];
const WATCH = "grpc.health.v1.Health/Watch";
const METHODS: readonly string[] = [
  ...[AuthService, TokenService, AdminService].flatMap(({ typeName, methods }) =>
    methods.map(({ name }) => `${typeName}/${name}`),
  ),
  ...["grpc.health.v1.Health/Check", "grpc.health.v1.Health/List", WATCH],
  ...["v1", "v1alpha"].map((version) => `grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`),
];
const SCHEMA = ["proto", "node_modules/grpc-health-check/proto"].flatMap((folder) => ["--schema", folder]);

interface Way {
  readonly name: string;
  readonly flags: readonly string[];
}

const OVER_HTTP2 = ["connect", "grpcweb", "grpc"].map((name): Way => {
  return { name: `${name} HTTP/2`, flags: ["--protocol", name, "--http2-prior-knowledge"] };
});
/** Reflection takes HTTP/2, so these read the schema from files. */
const OVER_HTTP1 = ["connect", "grpcweb"].map((name): Way => {
  return { name: `${name} HTTP/1.1`, flags: ["--protocol", name, ...SCHEMA] };
});

/** Codes of errors that a method may give for an empty request. Not unauthenticated: the admin token is sent. */
const EXPECTED_CODES = [Code.InvalidArgument, Code.NotFound, Code.AlreadyExists, Code.FailedPrecondition, Code.Aborted];
/** How long an endless stream is read. */
const WATCH_SECONDS = 2;
const CALL_SECONDS = 10;
const CONCURRENCY = 4;

/** @param headers a file of the headers to send, so that no command line shows the admin token */
export function bufRows(publicUrl: string, internalUrl: string, headers: string): readonly Row[] {
  const calls = (port: string, url: string, way: Way, methods: readonly string[]): Row[] =>
    [...Map.groupBy(methods, serviceOf)].map(([service, ofService]) => ({
      name: `buf ${way.name} ${service}, ${port}`,
      run: () => callAll(url, ofService, [...way.flags, "--header", `@${headers}`]),
    }));
  const ofAuth = METHODS.filter((method) => serviceOf(method) === AuthService.typeName);
  const streamless = METHODS.filter((method) => !method.includes("reflection"));
  return [
    ...OVER_HTTP2.flatMap(({ name, flags }) =>
      ["grpc-v1", "grpc-v1alpha"].map((version) => ({
        name: `buf ${name} reflection ${version}, internal`,
        run: () => compareLists(internalUrl, [...flags, "--reflect-protocol", version]),
      })),
    ),
    ...OVER_HTTP2.flatMap((way) => calls("internal", internalUrl, way, METHODS)),
    ...OVER_HTTP1.flatMap((way) => calls("internal", internalUrl, way, streamless)),
    ...OVER_HTTP2.flatMap((way) => calls("public", publicUrl, { ...way, flags: [...way.flags, ...SCHEMA] }, ofAuth)),
    ...OVER_HTTP1.flatMap((way) => calls("public", publicUrl, way, ofAuth)),
  ];
}

function serviceOf(method: string): string {
  return method.slice(0, method.indexOf("/"));
}

async function compareLists(url: string, flags: readonly string[]): Promise<readonly string[]> {
  const services = [...new Set(METHODS.map(serviceOf))];
  const mistakes: string[] = [];
  for (const [flag, expected] of [["--list-services", services] as const, ["--list-methods", METHODS] as const]) {
    const outcome = await curl(CALL_SECONDS, [...flags, flag, url]);
    const listed = outcome.stdout.split("\n").filter((line) => line !== "");
    const missing = expected.filter((name) => !listed.includes(name));
    const surplus = listed.filter((name) => !expected.includes(name));
    if (outcome.status !== 0) mistakes.push(`${flag}: ${mistakeOf(outcome)}`);
    else if (missing.length + surplus.length > 0) {
      mistakes.push(`${flag}: missing ${missing.join(" ") || "none"}, surplus ${surplus.join(" ") || "none"}`);
    }
  }
  return mistakes;
}

async function callAll(url: string, methods: readonly string[], flags: readonly string[]): Promise<readonly string[]> {
  const mistakes: { method: string; mistake: string }[] = [];
  const waiting = methods.values();
  const work = async (): Promise<void> => {
    for (const method of waiting) {
      const body = method.includes("reflection") ? '{"list_services": ""}' : "{}";
      const seconds = method === WATCH ? WATCH_SECONDS : CALL_SECONDS;
      const outcome = await curl(seconds, [...flags, "--data", body, `${url}/${method}`]);
      if (!isExpected(method, outcome)) mistakes.push({ method, mistake: mistakeOf(outcome) });
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  const grouped = Map.groupBy(mistakes, ({ mistake }) => mistake);
  return [...grouped].map(([mistake, { length }]) => `${length} of ${methods.length} methods: ${mistake}`);
}

function curl(seconds: number, args: readonly string[]): Promise<Outcome> {
  return runProgram([...BUF, "--timeout", `${seconds}s`, ...args], 2 * CALL_SECONDS * 1000);
}

/** buf exits with the code of an error times eight, and below eight for its own errors. */
function isExpected(method: string, { status, stdout, stderr }: Outcome): boolean {
  if (status === 0) return stdout.trim() !== "";
  if (method === WATCH) return status === Code.DeadlineExceeded * 8 && stdout.includes('"SERVING"');
  const hasReason = !method.startsWith("countersign.") || stderr.includes('"google.rpc.ErrorInfo"');
  return hasReason && EXPECTED_CODES.some((code) => status === code * 8);
}

function mistakeOf({ status, stderr }: Outcome): string {
  const [message = stderr] = /"code": "\w+",\s+"message": ".*"|Failure: .*/.exec(stderr) ?? [];
  return `exit status ${status}, ${message.replaceAll(/\s+/g, " ").trim()}`;
}
