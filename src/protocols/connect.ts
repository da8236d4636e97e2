// Connect's unary protocol (connectrpc.com/docs/protocol).

import type { AuthError } from "../core/errors.ts";
import { findMethod, type MethodsByPath, type Protocol } from "./call.ts";
import { decompress, readCoding } from "./compression.ts";
import { errorHeaders, toConnect } from "./errors.ts";
import type { Exchange } from "./exchange.ts";
import { type Codec, JSON_CODEC, PROTO_CODEC } from "./message.ts";
import { unsupportedMediaType } from "./mistakes.ts";
import { restError } from "./rest.ts";

export function createConnect(methods: MethodsByPath): Protocol {
  return {
    name: "connect",
    accept(exchange) {
      const method = findMethod(methods, exchange);
      const codec = codecOf(exchange);
      const { desc, maxMessageBytes } = method;
      return {
        method,
        timeoutHeader: "connect-timeout-ms",
        async readMessage() {
          const coding = readCoding(exchange.headers["content-encoding"]);
          const body = await exchange.readBody(maxMessageBytes);
          const message = decompress(body, coding, maxMessageBytes);
          return codec.read(desc.input, message instanceof Promise ? await message : message);
        },
        writeMessage(message, context) {
          const headers = context.responseHeader;
          headers.set("Content-Type", `application/${codec.name}`);
          exchange.send({ status: 200, headers, body: codec.write(desc.output, message) });
        },
      };
    },
    /** An error is JSON with any codec of the call. Without a call its status is 404, 405 or 415. */
    writeError(exchange, error, context) {
      if (context === undefined) {
        exchange.send({ ...restError(error), body: toConnect(error).body });
        return;
      }
      const headers = context.responseHeader;
      headers.set("Content-Type", "application/json");
      for (const [name, value] of errorHeaders(error)) headers.set(name, value);
      exchange.send({ ...toConnect(error), headers });
    },
  };
}

const MEDIA_TYPE = /^application\/(?:(json)(?:\s*;\s*charset\s*=\s*"?utf-?8"?)?|proto)\s*$/i;

function codecOf({ headers }: Exchange): Codec {
  const match = MEDIA_TYPE.exec(headers["content-type"] ?? "");
  if (match === null) throw unknownMediaType(headers["content-type"]);
  return match[1] === undefined ? PROTO_CODEC : JSON_CODEC;
}

/** The error for a Content-Type that is not of Connect, gRPC or gRPC-Web. */
export function unknownMediaType(sent: string | undefined): AuthError {
  return unsupportedMediaType(sent, "application/json, application/proto, application/grpc or application/grpc-web");
}
