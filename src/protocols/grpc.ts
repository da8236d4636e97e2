// gRPC's unary calls (github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md).

import { AuthError, malformed } from "../core/errors.ts";
import { type AcceptedCall, findMethod, type MethodsByPath, type Protocol } from "./call.ts";
import { ACCEPTED_CODINGS, decompress, readCoding } from "./compression.ts";
import { unknownMediaType } from "./connect.ts";
import type { CallContext } from "./context.ts";
import { type CallError, errorHeaders, toGrpcTrailers } from "./errors.ts";
import type { Exchange, HeaderField, Prefix } from "./exchange.ts";
import { type Codec, JSON_CODEC, PROTO_CODEC } from "./message.ts";
import { restError } from "./rest.ts";

export function createGrpc(methods: MethodsByPath): Protocol {
  return {
    name: "grpc",
    accept(exchange) {
      if (exchange.version < 2) {
        const message = "gRPC needs HTTP 2. Over HTTP 1 use REST or Connect or gRPC-Web";
        throw new AuthError("unsupported_media_type", message);
      }
      return acceptEnveloped(exchange, methods, MEDIA_TYPE, (body, context) =>
        exchange.send({
          status: 200,
          headers: context.responseHeader,
          body,
          trailers: [["Grpc-Status", "0"]],
        }),
      );
    },
    writeError(exchange, error, context) {
      if (exchange.version < 2) {
        exchange.send(restError(error));
        return;
      }
      const { headers, trailers } = errorFields(error, context);
      const contentType: HeaderField = ["Content-Type", "application/grpc"];
      // A client's window may hold trailers back. The contract's headers are initial metadata, which trailers-only lacks.
      const isTrailersOnly = context === undefined || headers.length === 0;
      const first = [contentType, ...headers];
      if (isTrailersOnly) exchange.send({ status: 200, headers: [...first, ...trailers], body: "" });
      else exchange.send({ status: 200, headers: first, body: "", trailers });
    },
  };
}

const MEDIA_TYPE = /^application\/grpc(?:\+(proto|json))?\s*(?:;|$)/i;

/** Sends the message in its envelope; the Content-Type is already set. */
type WriteAnswer = (message: Buffer, context: CallContext) => void;

/** Accepts a unary call of gRPC or gRPC-Web, whose message is in an envelope. */
export function acceptEnveloped(
  exchange: Exchange,
  methods: MethodsByPath,
  mediaType: RegExp,
  write: WriteAnswer,
): AcceptedCall {
  const method = findMethod(methods, exchange);
  const match = mediaType.exec(exchange.headers["content-type"] ?? "");
  if (match === null) throw unknownMediaType(exchange.headers["content-type"]);
  const codec: Codec = match[1]?.toLowerCase() === "json" ? JSON_CODEC : PROTO_CODEC;
  const coding = readCoding(exchange.headers["grpc-encoding"]);
  const { desc, maxMessageBytes } = method;
  return {
    method,
    timeoutHeader: "grpc-timeout",
    async readMessage() {
      const envelope = await exchange.readBody(maxMessageBytes, PREFIX);
      const message = openEnvelope(envelope, coding, maxMessageBytes);
      return codec.read(desc.input, message instanceof Promise ? await message : message);
    },
    writeMessage(message, context) {
      const bytes = envelop(codec.write(desc.output, message));
      context.responseHeader.set("Content-Type", match[0].replace(/\s*;?$/, ""));
      write(bytes, context);
    },
  };
}

/** The headers of an error, by the handler and by the contract; and its trailers, also a ConnectError's metadata. */
export function errorFields(
  error: CallError,
  context: CallContext | undefined,
): Readonly<Record<"headers" | "trailers", HeaderField[]>> {
  // A handler's Content-Type is for REST.
  const headers: HeaderField[] = [...(context?.responseHeader ?? [])].filter(
    ([name]) => name.toLowerCase() !== "content-type",
  );
  const trailers = toGrpcTrailers(error);
  if (!(error instanceof AuthError)) return { headers, trailers: [...trailers, ...errorHeaders(error)] };
  headers.push(...errorHeaders(error));
  if (error.reason === "unsupported_media_type") headers.push(["Grpc-Accept-Encoding", ACCEPTED_CODINGS]);
  return { headers, trailers };
}

/** A byte of flags, four of length ("Length-Prefixed-Message"). */
const ENVELOPE_BYTES = 5;
const PREFIX: Prefix = { bytes: ENVELOPE_BYTES, readSize: (prefix) => prefix.readUInt32BE(1) };
const COMPRESSED = 1;

/** Puts a message into an envelope. */
export function envelop(message: string | Uint8Array, flags = 0): Buffer {
  const bytes = typeof message === "string" ? Buffer.from(message) : message;
  const envelope = Buffer.allocUnsafe(ENVELOPE_BYTES + bytes.length);
  envelope.writeUInt8(flags, 0);
  envelope.writeUInt32BE(bytes.length, 1);
  envelope.set(bytes, ENVELOPE_BYTES);
  return envelope;
}

/** The one message of a unary call's body, in at most `limit` bytes. @throws AuthError `malformed`, `too_large` */
function openEnvelope(body: Buffer, coding: string | undefined, limit: number): Buffer | Promise<Buffer> {
  const isOne = body.length >= ENVELOPE_BYTES && PREFIX.readSize(body) === body.length - ENVELOPE_BYTES;
  if (!isOne) throw malformed("the body is not one length-prefixed message");
  const flags = body.readUInt8(0);
  const message = body.subarray(ENVELOPE_BYTES);
  if (flags === 0) return message;
  if (flags !== COMPRESSED || coding === undefined)
    throw malformed("the message has flags that a request does not have");
  return decompress(message, coding, limit);
}
