// Random calls as raw HTTP/2: compares answers with the oracles', as far as specifications fix them.

import { type ClientHttp2Session, connect, type OutgoingHttpHeaders } from "node:http2";
import { isDeepStrictEqual } from "node:util";
import { gzipSync } from "node:zlib";
import { fromJson, toBinary, toJson } from "@bufbuild/protobuf";
import fc from "fast-check";
import { envelope, type HandAnswer, readGrpc, readHttp2 } from "./hand.ts";
import { mount } from "./mount.ts";
import { startOracles } from "./oracles.ts";
import { echoes, service, thing } from "./rule-service.ts";

const METHOD = `/${service.typeName}/Create`;

/** How a request breaks the rules of its protocol. */
const MUTATIONS = [
  "none",
  "gzip",
  "unknown coding",
  "unknown method",
  "GET",
  "unknown media type",
  "not protobuf",
] as const;
const PROTOCOLS = ["grpc", "grpc-web", "connect-proto", "connect-json"] as const;

export interface RawCall {
  readonly protocol: (typeof PROTOCOLS)[number];
  readonly mutation: (typeof MUTATIONS)[number];
  readonly id: string;
  readonly count: number;
  readonly tags: readonly string[];
}

export const rawCalls: fc.Arbitrary<RawCall> = fc.record({
  protocol: fc.constantFrom(...PROTOCOLS),
  mutation: fc.oneof(
    { weight: 3, arbitrary: fc.constant("none" as const) },
    { weight: 1, arbitrary: fc.constantFrom(...MUTATIONS) },
  ),
  id: fc.string({ unit: "grapheme", maxLength: 200 }),
  count: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  tags: fc.array(fc.string({ maxLength: 20 }), { maxLength: 20 }),
});

interface RawAnswer {
  readonly status: unknown;
  readonly contentType?: unknown;
  /** gRPC's status, or the code of Connect's error. */
  readonly code?: unknown;
  /** The bytes of the message. */
  readonly message?: string;
}

export interface FrameDifferential {
  /** Sends a call to the gateway and to the oracles. @returns the answers if they differ */
  compare(call: RawCall): Promise<Readonly<Record<string, RawAnswer>> | undefined>;
  close(): Promise<void>;
}

export async function openFrameDifferential(): Promise<FrameDifferential> {
  const listener = await mount(echoes);
  const oracles = await startOracles([echoes]);
  const [own, connectNode, grpcJs] = [connect(listener.url), connect(oracles.http2), connect(oracles.grpcJs)];
  return {
    async compare(call) {
      if (!isSpecified(call)) return undefined;
      const asked = { own, connectNode, ...(call.protocol === "grpc" && { grpcJs }) };
      const answers = await Promise.all(
        Object.entries(asked).map(async ([name, session]) => [name, await send(session, call)] as const),
      );
      const [first] = answers.map(([, answer]) => answer);
      return answers.every(([, answer]) => isDeepStrictEqual(answer, first)) ? undefined : Object.fromEntries(answers);
    },
    async close() {
      for (const session of [own, connectNode, grpcJs]) session.close();
      await Promise.all([listener.close(0), oracles.close()]);
    },
  };
}

/** Whether specifications fix the answer. gRPC's does not for other HTTP methods or media types and for undecodable bytes. */
function isSpecified({ protocol, mutation }: RawCall): boolean {
  return protocol.startsWith("connect") || !["GET", "unknown media type", "not protobuf"].includes(mutation);
}

async function send(session: ClientHttp2Session, call: RawCall): Promise<RawAnswer> {
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
  const mediaType =
    mutation === "unknown media type"
      ? "text/plain"
      : isConnect
        ? `application/${protocol.slice(8)}`
        : `application/${protocol}+proto`;
  return {
    headers: {
      ":method": mutation === "GET" ? "PUT" : "POST",
      ":path": mutation === "unknown method" ? `/${service.typeName}/Nothing` : METHOD,
      "content-type": mediaType,
      ...(!isConnect && { te: "trailers" }),
      ...(coding !== undefined && { [isConnect ? "content-encoding" : "grpc-encoding"]: coding }),
    },
    body: isConnect ? bytes : envelope(bytes, coding === undefined ? 0 : 1),
  };
}

/** The part of an answer that specifications fix: a whole success, or the status and code of an error. */
function read({ protocol, mutation }: RawCall, answer: HandAnswer): RawAnswer {
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
