// The fleet to migrate: four owners' devices, their boards, whose firmware cannot change, and a stand-in for the old server, without
// code of ours.

import { createHash, createHmac, createSign, generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { connect } from "node:net";
import { json, text } from "node:stream/consumers";
import { stringify } from "csv-stringify/sync";
import { onTestFinished } from "vitest";
import { listenOnLoopback } from "../free-port.ts";

export interface Board {
  readonly deviceKey: string;
  readonly customerKey: string;
  /** The board's address on the Internet. */
  readonly address: string;
  /** Writes the signature in upper case, as the documented Python sample does. */
  readonly upperCase: boolean;
  /** Sends the timestamp as a string, as some tools do. */
  readonly timestampAsText: boolean;
}

/** The device_key that a whole fleet shares. */
export const FLEET = "valve";
const FLEET_BOARDS = 30;
/** Memory for an answer on the smallest boards, in bytes. */
const ARENA_BYTES = 1_000;

/** A key in the old server's form; always the same for a name. */
function keyOf(name: string): string {
  return createHash("sha256").update(`old ${name}`).digest("hex").slice(0, 40);
}

function rows(count: number, prefix: string, owner: string, keyFor: (number: number) => string): OldDevice[] {
  return Array.from({ length: count }, (_, at) => ({
    device_key: `${prefix}-${at + 1}`,
    customer_key: keyFor(at + 1),
    owner,
    name: `${prefix} no. ${at + 1}, "${owner}"`,
  }));
}

/** Four owners: with two keys, with a shared device_key and devices on one key, with a key of six characters, with a key for each board. */
export function makeTable(): readonly OldDevice[] {
  return [
    ...rows(60, "pump", "Acme", (number) => keyOf(number <= 40 ? "acme" : "acme, the newer")),
    ...rows(20, "meter", "Öst & Co.", () => keyOf("öst")),
    { device_key: FLEET, customer_key: keyOf("öst"), owner: "Öst & Co.", name: "" },
    ...rows(15, "lamp", 'Globex, "the pumps"', () => "abc123"),
    ...rows(4, "lock", "Initech", (number) => keyOf(`lock ${number}`)),
  ];
}

/** A device that is enrolled at the old server during the migration, with a new key. */
export const LATECOMER: OldDevice = { device_key: "pump-61", customer_key: keyOf("newest"), owner: "Acme", name: "" };

/** A board for each device, and all boards of the shared device_key. */
export function boardsOf(table: readonly OldDevice[]): readonly Board[] {
  return table
    .flatMap((device) => Array.from({ length: device.device_key === FLEET ? FLEET_BOARDS : 1 }, () => device))
    .map(({ device_key, customer_key }, at) => ({
      deviceKey: device_key,
      customerKey: customer_key,
      address: `192.0.${at >> 8}.${at & 255}`,
      // All boards of a fleet have the same firmware, and send the very same bytes.
      upperCase: device_key !== FLEET && at % 3 === 0,
      timestampAsText: device_key !== FLEET && at % 5 === 0,
    }));
}

/** The body of a login at `seconds`, in Unix time. */
export function bodyOf({ deviceKey, customerKey, upperCase, timestampAsText }: Board, seconds: number): string {
  const signature = createHmac("sha256", customerKey).update(`${seconds}${deviceKey}`).digest("hex");
  return JSON.stringify({
    device_key: deviceKey,
    timestamp: timestampAsText ? String(seconds) : seconds,
    device_signature: upperCase ? signature.toUpperCase() : signature,
  });
}

/**
 * One pass of a board's loop over HTTP/1.0, through a proxy that says its address: logs in and reads only `token`.
 * @throws Error with the answer, after which a board would retry in some seconds
 */
export async function logIn(board: Board, port: number, seconds: number): Promise<string> {
  const body = bodyOf(board, seconds);
  const headers = ["Host: login.example", "Content-Type: application/json", `Content-Length: ${body.length}`];
  const socket = connect(port, "127.0.0.1");
  socket.write(["POST /auth/login HTTP/1.0", ...headers, `X-Forwarded-For: ${board.address}`, "", body].join("\r\n"));
  const answer = await text(socket);
  const token = readToken(answer);
  if (token === undefined) throw new Error(`${board.deviceKey}: ${answer}`);
  return token;
}

/** Reads an answer as a board does: by exact header names, without chunked bodies. */
function readToken(answer: string): string | undefined {
  const length = /\r\nContent-Length: (\d+)\r\n/.exec(answer)?.[1];
  if (!/^HTTP\/1\.[01] 200 /.test(answer) || length === undefined || Number(length) > ARENA_BYTES) return undefined;
  const begin = answer.indexOf("\r\n\r\n") + 4;
  const { token } = Object(JSON.parse(answer.slice(begin, begin + Number(length))));
  return typeof token === "string" ? token : undefined;
}

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
