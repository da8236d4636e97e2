// Which transport answers a request: documents, methods, or REST for all else. Knows their paths and nothing more.

import { RequestAborted } from "./body.ts";
import type { ConnectTransport } from "./connect.ts";
import type { DocumentTransport } from "./documents.ts";
import type { EndpointTransport } from "./endpoints.ts";
import { type HttpHandler, type HttpRequest, pathOf } from "./http.ts";
import type { RestTransport } from "./rest.ts";

export interface DispatchOptions {
  readonly documents: DocumentTransport;
  /** Absent: there are none. */
  readonly endpoints?: EndpointTransport;
  readonly connect: ConnectTransport;
  /** Takes whatever is left, and answers 404 or 405 for what is nobody's. */
  readonly rest: RestTransport;
  /** Hears of a transport that failed to answer at all. */
  readonly onFault: (error: unknown) => void;
}

/** One handler for a port; it never rejects. @throws TypeError when two of the transports claim one path */
export function createDispatch({ documents, endpoints, connect, rest, onFault }: DispatchOptions): HttpHandler {
  for (const path of [...documents.paths, ...(endpoints?.paths ?? []), ...connect.paths]) {
    if (rest.serves(path)) throw new TypeError(`${path} is a route's, and a document's, an endpoint's or a method's`);
  }
  const transportOf = (request: HttpRequest): HttpHandler => {
    if (connect.serves(request)) return connect.handle;
    const path = pathOf(request);
    if (endpoints?.serves(path)) return endpoints.handle;
    return documents.serves(path) ? documents.handle : rest.handle;
  };
  return (request, response) => {
    // A response that breaks has nobody left to read it.
    response.on("error", () => response.destroy());
    return transportOf(request)(request, response).catch((error: unknown) => {
      if (!(error instanceof RequestAborted)) onFault(error);
      response.destroy();
    });
  };
}
