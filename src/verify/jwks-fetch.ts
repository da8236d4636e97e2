// One fetch of a JWK Set: bounded in time and size, conditional. Knows HTTP, and nothing of keys or when to fetch.

export interface JwksSource {
  readonly url: string;
  readonly fetch: typeof globalThis.fetch;
  readonly timeoutMs: number;
}

export interface FetchedJwks {
  /** Undefined: it is as it was (304). */
  readonly body: Uint8Array | undefined;
  readonly etag: string | undefined;
  /** For how long the answer may be kept, in milliseconds; undefined: it does not say. */
  readonly freshForMs: number | undefined;
}

/** A ring of a dozen RSA keys is 6 KB. */
const MAX_BYTES = 65_536;

/** @throws Error that says what went wrong, once `timeoutMs` are over at the latest, whatever `fetch` makes of its signal */
export async function fetchJwks(source: JwksSource, etag: string | undefined): Promise<FetchedJwks> {
  const { timeoutMs } = source;
  const abort = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timedOut = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new Error(`the JWK Set did not come within ${timeoutMs} ms`);
      reject(error);
      abort.abort(error);
    }, timeoutMs);
  });
  try {
    return await Promise.race([fetchOnce(source, etag, abort.signal), timedOut]);
  } finally {
    clearTimeout(timer);
  }
}

async function fetchOnce(
  { url, fetch }: JwksSource,
  etag: string | undefined,
  signal: AbortSignal,
): Promise<FetchedJwks> {
  const response = await fetch(url, {
    headers: {
      accept: "application/jwk-set+json, application/json",
      ...(etag === undefined ? {} : { "if-none-match": etag }),
    },
    // Keys come from where this service was told, and from nowhere that an answer names. Not every runtime has "error".
    redirect: "manual",
    signal,
  }).catch((error: unknown) => {
    throw explainUntrusted(error);
  });
  if (signal.aborted || (response.status !== 200 && !(response.status === 304 && etag !== undefined))) {
    await response.body?.cancel();
    throw new Error(`the JWK Set was answered with status ${response.status}`);
  }
  return {
    body: response.status === 304 ? undefined : await readBody(response, signal),
    etag: response.headers.get("etag") ?? (response.status === 304 ? etag : undefined),
    freshForMs: freshnessOf(response.headers),
  };
}

/** What OpenSSL says of a certificate whose authority it does not know. */
const UNTRUSTED: readonly unknown[] = [
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
];

/** A failure with its cure, where it is one of Node's that has one; Node itself says "fetch failed". */
function explainUntrusted(error: unknown): unknown {
  const code: unknown = error instanceof Error && error.cause instanceof Error && Reflect.get(error.cause, "code");
  if (!UNTRUSTED.includes(code)) return error;
  return new Error(
    "the issuer's certificate is not trusted. If it is of an authority of your own, set NODE_EXTRA_CA_CERTS to that authority's file in PEM",
    { cause: error },
  );
}

async function readBody({ body: stream }: Response, signal: AbortSignal): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = stream?.getReader();
  // A body that is not read to its end would keep its connection.
  const giveUp = (): void => void reader?.cancel().catch(() => {});
  signal.addEventListener("abort", giveUp);
  try {
    for (let next = await reader?.read(); next?.value !== undefined; next = await reader?.read()) {
      length += next.value.length;
      if (length > MAX_BYTES) throw new Error(`the JWK Set has more than ${MAX_BYTES} bytes`);
      chunks.push(next.value);
    }
  } catch (error) {
    giveUp();
    throw error;
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
  const body = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    body.set(chunk, at);
    at += chunk.length;
  }
  return body;
}

/** RFC 9111, 4.2: max-age, less what a cache on the way has kept it already. */
function freshnessOf(headers: Headers): number | undefined {
  const control = headers.get("cache-control") ?? "";
  if (/(^|[\s,])no-(store|cache)\b/i.test(control)) return 0;
  const maxAge = /(?:^|[\s,])max-age="?(\d{1,10})\b/i.exec(control)?.[1];
  if (maxAge === undefined) return undefined;
  const age = /^\d{1,10}$/.exec(headers.get("age") ?? "")?.[0] ?? "0";
  return Math.max(0, Number(maxAge) - Number(age)) * 1000;
}
