// Compares the listener's and the oracles' answers to random raw HTTP/2 calls.

import { type ClientHttp2Session, connect, type OutgoingHttpHeaders } from "node:http2";
import { isDeepStrictEqual } from "node:util";
import { gzipSync } from "node:zlib";
import { fromJson, toBinary, toJson } from "@bufbuild/protobuf";
import fc from "fast-check";
import type { Differential } from "./differential.ts";
import { envelope, type HandAnswer, readGrpc, readHttp2 } from "./hand.ts";
import { mountAll } from "./mount.ts";
import { startOracles } from "./oracles.ts";
import { echoes, service, thing } from "./rule-service.ts";

const METHOD = `/${service.typeName}/Create`;

const PROTOCOLS = ["grpc", "grpc-web", "connect-proto", "connect-json"] as const;

/** How a request breaks the rules of its protocol. */
const MUTATIONS = ["gzip", "unknown coding", "unknown method", "PUT", "unknown media type", "not protobuf"] as const;

const rawCalls = fc.record({
  protocol: fc.constantFrom(...PROTOCOLS),
  mutation: fc.option(fc.constantFrom(...MUTATIONS), { freq: 1, nil: "none" as const }),
  id: fc.string({ unit: "grapheme", maxLength: 200 }),
  count: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  tags: fc.array(fc.string({ maxLength: 20 }), { maxLength: 20 }),
});
type RawCall = typeof rawCalls extends fc.Arbitrary<infer Sample> ? Sample : never;

export async function openFrameDifferential(): Promise<Differential<RawCall>> {
  const listener = await mountAll([{ spec: echoes }]);
  const oracles = await startOracles([echoes]);
  const [own, connectNode, grpcJs] = [connect(listener.url), connect(oracles.http2), connect(oracles.grpcJs)];
  return {
    samples: rawCalls,
    async compare(call) {
      if (!isSpecified(call)) return undefined;
      const sessions = call.protocol === "grpc" ? [own, connectNode, grpcJs] : [own, connectNode];
      const answers = await Promise.all(sessions.map((session) => send(session, call)));
      return answers.every((answer) => isDeepStrictEqual(answer, answers[0])) ? undefined : answers;
    },
    async close() {
      for (const session of [own, connectNode, grpcJs]) session.close();
      await Promise.all([listener.close(0), oracles.close()]);
    },
  };
}

/** Whether a specification fixes the answer. gRPC's fixes none to other HTTP methods, other media types or undecodable bytes. */
function isSpecified({ protocol, mutation }: RawCall): boolean {
  return protocol.startsWith("connect") || !["PUT", "unknown media type", "not protobuf"].includes(mutation);
}

async function send(session: ClientHttp2Session, call: RawCall) {
  const { headers, body } = write(call);
  const stream = session.request(headers);
  stream.end(body);
  return read(call, await readHttp2(stream));
}

function write({ protocol, mutation, id, count, tags }: RawCall): { headers: OutgoingHttpHeaders; body: Buffer } {
  const message = fromJson(thing, { id, count, tags: [...tags] });
  const isJson = protocol === "connect-json";
  const written = isJson ? JSON.stringify(toJson(thing, message)) : toBinary(thing, message);
  const plain = mutation === "not protobuf" ? Buffer.from("{\xff", "latin1") : Buffer.from(written);
  const isCompressed = mutation === "gzip";
  const bytes = isCompressed ? gzipSync(plain) : plain;
  const isConnect = protocol.startsWith("connect");
  const coding = isCompressed ? "gzip" : mutation === "unknown coding" ? "x-none" : undefined;
  const mediaType = `application/${isConnect ? protocol.replace("connect-", "") : `${protocol}+proto`}`;
  return {
    headers: {
      ":method": mutation === "PUT" ? "PUT" : "POST",
      ":path": mutation === "unknown method" ? `/${service.typeName}/Nothing` : METHOD,
      "content-type": mutation === "unknown media type" ? "text/plain" : mediaType,
      ...(!isConnect && { te: "trailers" }),
      ...(coding !== undefined && { [isConnect ? "content-encoding" : "grpc-encoding"]: coding }),
    },
    body: isConnect ? bytes : envelope(bytes, coding === undefined ? 0 : 1),
  };
}

/** The part of an answer that specifications fix: a whole success, or the status and code of an error. */
function read({ protocol, mutation }: RawCall, answer: HandAnswer) {
  const { status, headers, body } = answer;
  const contentType = headers["content-type"];
  if (protocol.startsWith("connect")) {
    // A request that is not a call has only an HTTP status.
    if (status === 404 || status === 405 || status === 415) return { status };
    if (status === 200) return { status, contentType, message: body.toString("base64") };
    // No specification fixes the code for undecodable bytes.
    if (mutation === "not protobuf") return { status: "an error", contentType };
    return { status, contentType, code: JSON.parse(body.toString()).code };
  }
  // gRPC clients map 404 to unimplemented (grpc/doc/http-grpc-status-mapping.md).
  if (status === 404) return { status: 200, code: 12 };
  const { code, response } = readGrpc(answer);
  return code === 0 ? { status, contentType, code, message: response?.toString("base64") ?? "none" } : { status, code };
}
