// gRPC-Web's unary calls (github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md): gRPC with its trailers in the body.

import type { MethodsByPath, Protocol } from "./call.ts";
import type { HeaderField } from "./exchange.ts";
import { acceptEnveloped, envelop, errorFields } from "./grpc.ts";

const MEDIA_TYPE = /^application\/grpc-web(?:\+(proto|json))?\s*(?:;|$)/i;
const TRAILERS = 0x80;

export function createGrpcWeb(methods: MethodsByPath): Protocol {
  return {
    name: "grpc-web",
    accept: (exchange) =>
      acceptEnveloped(exchange, methods, MEDIA_TYPE, (message, context) =>
        exchange.send({
          status: 200,
          headers: context.responseHeader,
          body: Buffer.concat([message, trailerFrame([["Grpc-Status", "0"]])]),
        }),
      ),
    writeError(exchange, error, context) {
      const { headers, trailers } = errorFields(error, context);
      const contentType: HeaderField = ["Content-Type", "application/grpc-web+proto"];
      exchange.send({ status: 200, headers: [contentType, ...headers], body: trailerFrame(trailers) });
    },
  };
}

function trailerFrame(trailers: readonly HeaderField[]): Buffer {
  return envelop(trailers.map(([name, value]) => `${name.toLowerCase()}: ${value}\r\n`).join(""), TRAILERS);
}
