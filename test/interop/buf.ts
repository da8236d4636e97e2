// buf curl: calls every method of every service at the internal listener, in each protocol, by reflection alone.

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

const PROTOCOLS = ["connect", "grpcweb", "grpc"];

/** Codes of errors that a method may give for an empty request. Not unauthenticated: the admin token is sent. */
const EXPECTED_CODES = [Code.InvalidArgument, Code.NotFound, Code.AlreadyExists, Code.FailedPrecondition, Code.Aborted];
/** How long an endless stream is read. */
const WATCH_SECONDS = 2;
const CALL_SECONDS = 10;
const CONCURRENCY = 4;

/** @param headers a file of the headers to send, so that no command line shows the admin token */
export function bufRows(url: string, headers: string): readonly Row[] {
  return PROTOCOLS.flatMap((protocol) => {
    const flags = ["--protocol", protocol, "--http2-prior-knowledge"];
    const lists = ["grpc-v1", "grpc-v1alpha"].map((version) => ({
      name: `buf ${protocol} reflection ${version}`,
      run: () => compareLists(url, [...flags, "--reflect-protocol", version]),
    }));
    const calls = [...Map.groupBy(METHODS, serviceOf)].map(([service, ofService]) => ({
      name: `buf ${protocol} ${service}`,
      run: () => callAll(url, ofService, [...flags, "--header", `@${headers}`]),
    }));
    return [...lists, ...calls];
  });
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
