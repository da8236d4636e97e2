// Which transport answers a request: documents, methods, or REST for all else. Knows their paths and nothing more.

import type { ConnectTransport } from "./connect.ts";
import type { DocumentTransport } from "./documents.ts";
import { type HttpHandler, pathOf } from "./http.ts";

export interface DispatchOptions {
  readonly documents: DocumentTransport;
  readonly connect: ConnectTransport;
  /** Takes whatever is left, and answers 404 or 405 for what is nobody's. */
  readonly rest: HttpHandler;
}

/** One handler for a port. */
export function createDispatch({ documents, connect, rest }: DispatchOptions): HttpHandler {
  return (request, response) => {
    // A response that breaks has nobody left to read it.
    response.on("error", () => response.destroy());
    const path = pathOf(request);
    if (connect.serves(path)) connect.handle(request, response);
    else if (documents.serves(path)) documents.handle(request, response);
    else rest(request, response);
  };
}
