// The HTTP/2 side of a port that serves everything: bounded sessions onto one handler. Knows no protocol above HTTP.

import { constants, createServer, type ServerHttp2Session } from "node:http2";
import { type HttpHandler, isOver } from "./http.ts";
import type { Http2Side } from "./listener.ts";

const MAX_CONCURRENT_STREAMS = 100;
const MAX_HEADER_LIST_BYTES = 16 * 1024;
/** A session that moves no byte for this long is closed, in milliseconds. */
const IDLE_MS = 120_000;
const STREAM_IDLE_MS = 30_000;

/** Serves HTTP/2 on sockets whose TLS, if any, is somebody else's. */
export function createHttp2(handle: HttpHandler): Http2Side {
  const sessions = new Set<ServerHttp2Session>();
  const server = createServer({
    settings: {
      maxConcurrentStreams: MAX_CONCURRENT_STREAMS,
      maxHeaderListSize: MAX_HEADER_LIST_BYTES,
      enablePush: false,
    },
    maxSessionMemory: 4,
    maxSessionInvalidFrames: 50,
    maxHeaderListPairs: 64,
  });
  server.on("request", handle);
  // Node would say 100 by itself, and throw when the stream has been reset meanwhile.
  server.on("checkContinue", (request, response) => {
    if (!isOver(response.stream)) response.writeContinue();
    void handle(request, response);
  });
  server.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
    session.on("error", () => session.destroy());
    // Closing would wait for streams, which a client can keep open by reading nothing.
    session.setTimeout(IDLE_MS, () => session.destroy());
  });
  server.on("stream", (stream) => {
    stream.on("error", () => stream.destroy());
    // One that neither sends nor takes anything, as with a window of nothing, is not waited for.
    stream.setTimeout(STREAM_IDLE_MS, () => stream.close(constants.NGHTTP2_CANCEL));
  });

  return {
    accept: (socket) => {
      // A client that has ended its side of HTTP/2 says nothing any more, nor takes notice.
      socket.allowHalfOpen = false;
      server.emit("connection", socket);
    },
    async close(graceMs) {
      const timer = setTimeout(() => {
        for (const session of sessions) session.destroy();
      }, graceMs);
      await Promise.all(
        [...sessions].map(
          (session) =>
            new Promise<void>((resolve) => {
              session.once("close", resolve);
              session.close();
            }),
        ),
      );
      clearTimeout(timer);
    },
  };
}
