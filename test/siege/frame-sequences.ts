// HTTP/2 frame sequences: paths, content types, methods, resets and tails in every combination.

import { data, openStream, PREFACE, resetStream, settings } from "../frames.ts";
import { BEGINNINGS, CODES, TAILS, type Tail } from "../http2-resets.ts";
import { openOrReport, received, writeAll } from "./connections.ts";
import { LOGIN_BODY } from "./requests.ts";
import { type Attack, forEachIndex } from "./target.ts";

const PATHS = [
  "/auth/login",
  "/auth/time",
  "/auth/check",
  "/openapi.json",
  "/.well-known/jwks.json",
  "/nothing",
  "*",
  "/countersign.auth.v1.AuthService/Login",
  "/countersign.admin.v1.AdminService/ListCustomers",
  "/grpc.health.v1.Health/Watch",
  "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
];
const CONTENT_TYPES = [
  undefined,
  "application/json",
  "application/proto",
  "application/grpc",
  "application/grpc+json",
  "application/grpc-web+proto",
  "application/connect+proto",
  "text/plain",
];
const METHODS = ["POST", "GET", "HEAD", "OPTIONS", "CONNECT"];
/** No reset, then every code. */
const RESETS = [undefined, ...CODES];

const BODIES: typeof BEGINNINGS = [
  ...BEGINNINGS,
  (stream, { headers }) => [openStream(stream, { ...headers, "content-length": "3" }, false), data(stream, LOGIN_BODY)],
  (stream, { headers }) => [
    openStream(stream, { ...headers, expect: "100-continue" }, false),
    data(stream, Buffer.alloc(5), false),
  ],
];

/** Prime, so that any number of consecutive indexes is spread over all combinations. */
const STRIDE = 7_919;
const CONCURRENCY = 200;
const ANSWER_MS = 2_000;

/** The sequence with this index. */
function sequenceOf(index: number): { readonly bytes: Buffer; readonly ending: Tail["ending"] } {
  let rest = index * STRIDE;
  const next = <Value>(choices: readonly Value[]): Value | undefined => {
    const choice = choices[rest % choices.length];
    rest = Math.floor(rest / choices.length);
    return choice;
  };
  const [path = "", method = "", type] = [next(PATHS), next(METHODS), next(CONTENT_TYPES)];
  const target = method === "CONNECT" ? {} : { ":scheme": "http", ":path": path };
  const headers = {
    ":method": method,
    ...target,
    ":authority": "localhost",
    ...(type !== undefined && { "content-type": type }),
  };
  const [code, bodyOf, tail] = [next(RESETS), next(BODIES), next(TAILS)];
  const reset = code === undefined ? [] : [resetStream(1, code)];
  const request = { headers, body: LOGIN_BODY };
  const frames = [...(bodyOf?.(1, request) ?? []), ...reset, ...(tail?.frames(request) ?? [])];
  return { bytes: Buffer.concat([PREFACE, settings(), ...frames]), ending: tail?.ending ?? "close" };
}

/** Sends each sequence on a connection of its own, in one piece. */
export function frameSequences(listener: "publicUrl" | "internalUrl"): Attack {
  return (target, count, findings) =>
    forEachIndex(count, CONCURRENCY, async (index) => {
      const socket = await openOrReport(findings, target[listener], index, { allowHalfOpen: true });
      if (socket === undefined) return;
      const { bytes, ending } = sequenceOf(index);
      // The gateway's SETTINGS show that it has accepted the connection.
      const firstBytes = received(socket, ANSWER_MS, () => true);
      await writeAll(socket, bytes);
      if (ending === "end") socket.end();
      if (ending !== "close") await firstBytes;
      socket.destroy();
    });
}
