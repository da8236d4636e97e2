// Client connections from many loopback addresses.

import { connect, type Socket } from "node:net";
import type { Findings } from "./target.ts";

/** Source addresses of an attack, enough that the limit by address does not apply. */
const ADDRESSES = 200;
const CONNECT_MS = 5_000;

/** A loopback address for the connection with this index. */
function sourceOf(index: number): string {
  return `127.0.1.${1 + (index % ADDRESSES)}`;
}

/** Connects; undefined if refused or not accepted in time. Ignores errors that end the connection. */
export function openSocket(
  url: string,
  index: number,
  options: { readonly localAddress?: string; readonly allowHalfOpen?: boolean } = {},
): Promise<Socket | undefined> {
  const { hostname, port } = new URL(url);
  const socket = connect({
    host: hostname,
    port: Number(port),
    localAddress: sourceOf(index),
    noDelay: true,
    ...options,
  });
  const timer = setTimeout(() => socket.destroy(), CONNECT_MS);
  socket.on("error", () => {});
  return new Promise<Socket | undefined>((resolve) => {
    socket.once("connect", () => resolve(socket));
    socket.once("close", () => resolve(undefined));
  }).finally(() => clearTimeout(timer));
}

/** Connects, and reports a connection that was refused. */
export async function openOrReport(
  findings: Findings,
  ...connection: Parameters<typeof openSocket>
): Promise<Socket | undefined> {
  const socket = await openSocket(...connection);
  if (socket === undefined) findings.add("a connection was refused");
  return socket;
}

/** Resolves with the first bytes that `isEnough` accepts, with all at the close, or undefined when `ms` are over. */
export function received(
  socket: Socket,
  ms: number,
  isEnough: (bytes: Buffer) => boolean,
): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    let bytes: Buffer = Buffer.alloc(0);
    const finish = (result: Buffer | undefined): void => {
      clearTimeout(timer);
      socket.off("data", read);
      socket.off("close", close);
      resolve(result);
    };
    const close = (): void => finish(bytes);
    const read = (chunk: Buffer): void => {
      bytes = Buffer.concat([bytes, chunk]);
      if (isEnough(bytes)) finish(bytes);
    };
    const timer = setTimeout(() => finish(undefined), ms);
    socket.on("data", read);
    socket.once("close", close);
    if (socket.closed) close();
  });
}

/** Writes all of the bytes, or as many as the connection takes before it closes. */
export function writeAll(socket: Socket, bytes: Buffer): Promise<void> {
  if (socket.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = (): void => {
      socket.off("close", finish);
      resolve();
    };
    socket.once("close", finish);
    socket.write(bytes, finish);
  });
}
