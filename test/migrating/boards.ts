// Boards in the field, whose firmware cannot change: it knows a host name, a device_key with its customer_key, and the token in the answer.

import { createHmac } from "node:crypto";
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

export interface Network {
  readonly port: number;
  readonly addresses: Map<number, string>;
}

/**
 * One pass of a board's loop over HTTP/1.0: logs in and reads only `token`.
 * @throws Error with the answer, after which a board would retry in some seconds
 */
export async function logIn(board: Board, { port, addresses }: Network, seconds: number): Promise<string> {
  const body = bodyOf(board, seconds);
  const socket = connect(port, "127.0.0.1");
  socket.once("connect", () => {
    addresses.set(socket.localPort ?? 0, board.address);
    socket.write(
      `POST /auth/login HTTP/1.0\r\nHost: login.example\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
  });
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
