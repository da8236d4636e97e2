// HTTP/1 pipelining: which answers a connection still owes, and how many it may. Knows no request's content.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { HttpHandler } from "./http.ts";

/** A client that asks for more than this without reading is no client: Node would take its requests for ever. */
const MOST_OWED = 64;

export interface Pipeline {
  /** The handler, with its answers counted. */
  readonly handle: (request: IncomingMessage, response: ServerResponse) => void;
  /** Calls back once a connection owes no answer any more: at once when it owes none. */
  readonly whenAnswered: (socket: Duplex, answered: () => void) => void;
}

interface Owing {
  answers: number;
  answered: (() => void) | undefined;
}

export function createPipeline(handle: HttpHandler): Pipeline {
  const owing = new WeakMap<Duplex, Owing>();
  return {
    handle(request, response) {
      const { socket } = request;
      const debt = owing.get(socket) ?? { answers: 0, answered: undefined };
      owing.set(socket, debt);
      debt.answers++;
      if (debt.answers > MOST_OWED) {
        socket.destroy();
        return;
      }
      response.once("close", () => {
        debt.answers--;
        if (debt.answers === 0) debt.answered?.();
      });
      void handle(request, response);
    },
    whenAnswered(socket, answered) {
      const debt = owing.get(socket);
      if (debt === undefined || debt.answers === 0) answered();
      else debt.answered = answered;
    },
  };
}
