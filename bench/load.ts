// Sends requests over lanes and checks every answer. Uses no client library, which would share the machine.

export interface Lane {
  /** Sends a request. @throws Error unless it is answered with success */
  readonly ask: (request: Buffer) => Promise<Buffer>;
  readonly close: () => void;
}

/** Opens lanes to an origin. */
export type OpenLanes = (origin: string, count: number) => Promise<readonly Lane[]>;

/** A request that is answered with success. */
export interface LoadRequest {
  readonly bytes: Buffer;
  /** @throws Error for an answer other than the expected one */
  readonly check: (answer: Buffer) => void;
}

export interface LoadResult {
  readonly seconds: number;
  /** Milliseconds from a request's first byte to its answer's last, in no order. */
  readonly latencies: readonly number[];
}

/** Sends all requests, one at a time on each lane, and waits for the answers. @throws Error at the first wrong answer */
export async function runLoad(lanes: readonly Lane[], nextRequest: () => LoadRequest | undefined): Promise<LoadResult> {
  const latencies: number[] = [];
  const started = performance.now();
  await Promise.all(
    lanes.map(async (lane) => {
      for (let request = nextRequest(); request !== undefined; request = nextRequest()) {
        const sentAt = performance.now();
        const answer = await lane.ask(request.bytes);
        latencies.push(performance.now() - sentAt);
        request.check(answer);
      }
    }),
  );
  return { seconds: (performance.now() - started) / 1000, latencies };
}
