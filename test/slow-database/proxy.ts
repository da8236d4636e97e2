// A TCP proxy before a database, that passes everything on, delays it, or cuts it.

import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface SlowProxy {
  readonly port: number;
  /** Delays what the server sends from now on, in milliseconds. */
  delay(ms: number): void;
  /** Ends every connection, and refuses new ones until `mend`. */
  cut(): void;
  mend(): void;
  close(): void;
}

export async function startProxy(target: { readonly host: string; readonly port: number }): Promise<SlowProxy> {
  const sockets = new Set<Socket>();
  let delayMs = 0;
  let isCut = false;
  const server = createServer((client) => {
    if (isCut) {
      client.destroy();
      return;
    }
    const upstream = connect(target);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on("error", () => {});
      from.on("close", () => {
        sockets.delete(from);
        to.destroy();
      });
    }
    client.pipe(upstream);
    upstream.on("data", (chunk) => {
      if (delayMs === 0) client.write(chunk);
      else setTimeout(() => client.destroyed || client.write(chunk), delayMs);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const cutAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: portOf(server.address()),
    delay(ms) {
      delayMs = ms;
    },
    cut() {
      isCut = true;
      cutAll();
    },
    mend() {
      isCut = false;
      delayMs = 0;
    },
    close() {
      cutAll();
      server.close();
    },
  };
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === "string") throw new TypeError("a proxy listens on a port");
  return address.port;
}
