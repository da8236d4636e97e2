// A bare listener with a certificate.

import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { HttpHandler } from "../../src/transports/http.ts";
import { createHttp2 } from "../../src/transports/http2.ts";
import { type Listener, listen } from "../../src/transports/listener.ts";
import { temporaryFolder } from "../program.ts";

export interface SecureListener extends Listener {
  readonly port: number;
  /** The server's own certificate, for whoever has to trust it. */
  readonly ca: Buffer;
  /** Files of this test's own, to be replaced at will. */
  readonly cert: string;
  readonly key: string;
  /** What it heard of files that could not be taken. */
  readonly faults: readonly unknown[];
}

/** A listener that answers every request with `ok`, that to /never not at all, by the certificate `name` of a folder. It closes with the test. */
export async function startSecureListener(pems: string, name: string, clientCa?: string): Promise<SecureListener> {
  const folder = temporaryFolder();
  const [cert, key] = [join(folder, "server.crt"), join(folder, "server.key")];
  copyFileSync(join(pems, `${name}.crt`), cert);
  copyFileSync(join(pems, `${name}.key`), key);
  const faults: unknown[] = [];
  const handle: HttpHandler = async (request, response) => {
    if (request.url !== "/never") response.end("ok");
  };
  const listener = await listen({
    host: "127.0.0.1",
    port: 0,
    handle,
    http2: createHttp2(handle),
    tls: { cert, key, ...(clientCa !== undefined && { clientCa }) },
    onFault: (error) => faults.push(error),
  });
  onTestFinished(() => listener.close(0));
  return { ...listener, port: Number(new URL(listener.url).port), ca: readFileSync(cert), cert, key, faults };
}
