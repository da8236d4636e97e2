// What Node's HTTP/1 server would answer by itself, answered in the form of all other refusals. Knows no request that can be read.

import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { AuthError } from "../core/errors.ts";
import { errorHeaders, toRest } from "./errors.ts";
import { sendRefusal } from "./http.ts";
import type { Pipeline } from "./pipeline.ts";

/** Node answers some requests by itself, without a length or a body: those are answered here, in the form of all others. */
export function answerWhatNodeWould(server: Server, { whenAnswered }: Pick<Pipeline, "whenAnswered">): void {
  server.on("checkExpectation", (_request: IncomingMessage, response: ServerResponse) => {
    sendRefusal(
      response,
      new AuthError("malformed", "the Expect header asks for what is not served. Leave it out"),
      [["Connection", "close"]],
      417,
    );
  });
  server.on("connect", (_request: IncomingMessage, socket: Duplex) => {
    const refusal = new AuthError("method_not_allowed", "this is no proxy", { allow: ["GET", "POST"] });
    whenAnswered(socket, () => answerRaw(socket, 405, refusal));
  });
  // Nobody to answer: the two never came to speak the same language.
  server.removeAllListeners("tlsClientError");
  server.on("tlsClientError", (_error: Error, socket: Duplex) => socket.destroy());
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Duplex) => {
    const { status, message } = CLIENT_ERRORS[error.code ?? ""] ?? NOT_HTTP;
    // After the answers to what came before it on the same connection, in whose place it would be taken.
    whenAnswered(socket, () => answerRaw(socket, status, new AuthError("malformed", message)));
  });
}

const NOT_HTTP = { status: 400, message: "this is not a request of HTTP 1.0 or 1.1" };
const CLIENT_ERRORS: Readonly<Record<string, { status: number; message: string }>> = {
  HPE_HEADER_OVERFLOW: { status: 431, message: "the headers are too large" },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, message: "the request took too long to arrive" },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: 413, message: "the chunk extensions are too large" },
};

const STATUS_TEXT: Readonly<Record<number, string>> = {
  400: "Bad Request",
  405: "Method Not Allowed",
  408: "Request Timeout",
  413: "Content Too Large",
  431: "Request Header Fields Too Large",
};

/** Answers on a connection whose request could not be read, and closes it. */
function answerRaw(socket: Duplex, status: number, refusal: AuthError): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const { body } = toRest(refusal);
  const headers = errorHeaders(refusal).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_TEXT[status] ?? ""}\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${headers.join("")}` +
      `Connection: close\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}
