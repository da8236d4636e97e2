// A stand-in for the replaced server: the documented login and a table of pairs, without code of ours.

import { createHmac, createSign, generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { json } from "node:stream/consumers";
import { stringify } from "csv-stringify/sync";
import { onTestFinished } from "vitest";
import { listenOnLoopback } from "../free-port.ts";

/** A row of the server's table. */
export interface OldDevice {
  readonly device_key: string;
  readonly customer_key: string;
  readonly owner: string;
  readonly name: string;
}

export interface OldServer {
  readonly port: number;
  /** In PEM, as services pin it. */
  readonly publicKey: string;
  /** In PEM. */
  readonly privateKey: string;
  /** The table as CSV with a header. */
  exportTable(): string;
  add(device: OldDevice): void;
}

const LIFE_SECONDS = 600;

/** Starts the server for the calling test. */
export async function startOldServer(devices: readonly OldDevice[]): Promise<OldServer> {
  const table = new Map(devices.map((device) => [device.device_key, device]));
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });

  function tokenAt(seconds: number): string {
    const parts = [
      { alg: "RS256", typ: "JWT" },
      { iat: seconds, exp: seconds + LIFE_SECONDS },
    ];
    const signed = parts.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
    return `${signed}.${createSign("sha256").update(signed).sign(privateKey, "base64url")}`;
  }

  const server = createServer(async (request, response) => {
    const { device_key, timestamp, device_signature } = Object(await json(request).catch(() => undefined));
    const key = table.get(String(device_key))?.customer_key;
    const proof = key && createHmac("sha256", key).update(`${timestamp}${device_key}`).digest("hex");
    // The documented status: 200 or 500.
    const isRight = proof === String(device_signature).toLowerCase();
    const now = Math.floor(Date.now() / 1000);
    const text = JSON.stringify(isRight ? { token: tokenAt(now) } : { error: "error on server" });
    const headers = { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text) };
    response.writeHead(isRight ? 200 : 500, headers).end(text);
  });
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
  });
  return {
    port: await listenOnLoopback(server),
    publicKey: publicKey.export({ type: "spki", format: "pem" }).toString(),
    privateKey: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    exportTable: () => stringify([...table.values()], { header: true }),
    add: (device) => table.set(device.device_key, device),
  };
}
