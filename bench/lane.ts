// One request at a time to a server: what every protocol's client of the load looks like. Knows no protocol.
// Raw sockets and frames below it and no client library: the generator shares the machine with what it measures.

export interface Lane {
  /** Sends a request. @throws Error unless it is answered with success */
  readonly ask: (request: Buffer) => Promise<Buffer>;
  readonly close: () => void;
}

/** Opens so many lanes to an origin. */
export type OpenLanes = (origin: string, count: number) => Promise<readonly Lane[]>;
