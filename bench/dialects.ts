// Logins as each protocol writes them.

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { LoginRequestSchema, LoginResponseSchema } from "../gen/es/countersign/auth/v1/auth_pb.ts";
import type { LoginBody } from "./contract.ts";
import { type Answer, checkAnswer, signLogin } from "./fleet.ts";
import { encodeFrame, openGrpc } from "./grpc-lanes.ts";
import { encodePost, openHttp1, openNewTls } from "./http1-lanes.ts";
import type { LoadRequest, OpenLanes } from "./load.ts";
import type { Subject } from "./measure.ts";
import type { Peer, PeerSetup } from "./peer.ts";

export interface Dialect {
  readonly encode: (login: LoginBody) => Buffer;
  readonly decode: (answer: Buffer) => Answer;
  readonly open: OpenLanes;
  /** Whether the server needs a certificate. */
  readonly tls?: true;
}

export type DialectName = "rest" | "rest-tls" | "rest-tls-resumed" | "connect" | "grpc";

const METHOD = "/countersign.auth.v1.AuthService/Login";

/** REST over a new TLS connection for each login. */
const REST_TLS = {
  encode: (login: LoginBody) =>
    encodePost("/auth/login", "application/json", JSON.stringify(login), "Connection: close\r\n"),
  decode: (answer: Buffer) => readJson(answer, "token", "expires_in"),
  tls: true,
} as const;

export const DIALECTS: Readonly<Record<DialectName, Dialect>> = {
  rest: {
    encode: (login) => encodePost("/auth/login", "application/json", JSON.stringify(login)),
    decode: (answer) => readJson(answer, "token", "expires_in"),
    open: openHttp1,
  },
  "rest-tls": { ...REST_TLS, open: openNewTls("full") },
  "rest-tls-resumed": { ...REST_TLS, open: openNewTls("resumed") },
  connect: {
    encode: (login) => encodePost(METHOD, "application/json", JSON.stringify(login), "Connect-Protocol-Version: 1\r\n"),
    decode: (answer) => readJson(answer, "token", "expiresIn"),
    open: openHttp1,
  },
  grpc: {
    encode: ({ device_key, timestamp, device_signature }) =>
      encodeFrame(
        toBinary(
          LoginRequestSchema,
          create(LoginRequestSchema, {
            deviceKey: device_key,
            timestamp: BigInt(timestamp),
            deviceSignature: device_signature,
          }),
        ),
      ),
    decode: (answer) => fromBinary(LoginResponseSchema, answer),
    open: openGrpc(METHOD),
  },
};

function readJson(answer: Buffer, token: string, expiresIn: string): Answer {
  const content = JSON.parse(answer.toString());
  return { token: content[token], expiresIn: content[expiresIn] };
}

/** Requests signed at a time, to keep the generator's pauses short. */
const BATCH = 200;

/** A measurement of a peer. Each device of its fleet logs in twice to warm it up. */
export function createLoginSubject(peer: Peer): Subject {
  const { fleet, dialect } = peer.setup;
  return {
    peer,
    open: DIALECTS[dialect].open,
    walk: () => createWalk(peer.setup),
    warming: 2 * fleet.deviceKeys.length,
  };
}

/** Each slice continues where the last one ended, so that no device reaches its limit. */
function createWalk({ fleet, algorithm, dialect }: PeerSetup): () => LoadRequest {
  const { encode, decode } = DIALECTS[dialect];
  let sent = 0;
  let batch: LoadRequest[] = [];
  function signBatch(): LoadRequest[] {
    const timestamp = Math.floor(Date.now() / 1000);
    return Array.from({ length: BATCH }, (_, turn) => {
      const deviceKey = fleet.deviceKeys[(sent + turn) % fleet.deviceKeys.length] ?? "";
      return {
        bytes: encode(signLogin(fleet.customerKey, deviceKey, timestamp)),
        check: (answer) => checkAnswer(decode(answer), deviceKey, algorithm),
      };
    });
  }
  return () => {
    const index = sent % BATCH;
    if (index === 0) batch = signBatch();
    sent++;
    const request = batch[index];
    if (request === undefined) throw new RangeError("the fleet has no devices");
    return request;
  };
}
