// Boards in the field, whose firmware cannot change: it knows a host name, a device_key with its customer_key, and the token in the answer.

import { createHash, createHmac } from "node:crypto";
import { connect } from "node:net";
import { text } from "node:stream/consumers";

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

/** Memory for an answer on the smallest boards, in bytes. */
const ARENA_BYTES = 1_000;

/** The body of a login at `seconds`, in Unix time. */
export function bodyOf({ deviceKey, customerKey, upperCase, timestampAsText }: Board, seconds: number): string {
  const signature = createHmac("sha256", customerKey).update(`${seconds}${deviceKey}`).digest("hex");
  return JSON.stringify({
    device_key: deviceKey,
    timestamp: timestampAsText ? String(seconds) : seconds,
    device_signature: upperCase ? signature.toUpperCase() : signature,
  });
}

/** A number from 0 to below 1, fixed for an address: a proxy sends the addresses below a share to the new server. */
export function shareOf({ address }: Board): number {
  return createHash("sha256").update(address).digest().readUInt32BE() / 2 ** 32;
}

/**
 * One pass of a board's loop over HTTP/1.0, with the header that the proxy under the host name adds: logs in and reads only `token`.
 * @throws Error with the answer, after which a board would retry in some seconds
 */
export async function logIn(board: Board, port: number, seconds: number): Promise<string> {
  const body = bodyOf(board, seconds);
  const head = ["POST /auth/login HTTP/1.0", "Host: login.example", `X-Forwarded-For: ${board.address}`];
  const fields = ["Content-Type: application/json", `Content-Length: ${body.length}`];
  const socket = connect(port, "127.0.0.1");
  socket.write([...head, ...fields, "", body].join("\r\n"));
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
