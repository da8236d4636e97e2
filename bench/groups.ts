// Groups of the login bench, and the targets of the gateway.

import { ALGORITHMS, type Algorithm } from "./contract.ts";
import type { DialectName } from "./dialects.ts";
import type { ListenerName } from "./peer.ts";

/** A line of a group: a peer, and how it is called. */
export interface Contender {
  /** Unique in its group. */
  readonly name: string;
  /** A file of peers/; absent: the name. */
  readonly peer?: string;
  readonly label: string;
  readonly dialect: DialectName;
  /** Absent: public. */
  readonly listener?: ListenerName;
  /** Algorithms it cannot sign with. */
  readonly without?: readonly Algorithm[];
}

/** A protocol's peers, each of which is paired with the baseline. */
export interface Group {
  readonly name: string;
  readonly title: string;
  readonly baseline: Contender;
  readonly contenders: readonly Contender[];
}

/** The most that the gateway's CPU may be, in times another's. */
export interface Target {
  readonly text: string;
  readonly group: string;
  /** Names of contenders. */
  readonly own: string;
  readonly against: string;
  readonly algorithm: Algorithm;
  readonly most: number;
}

export const GATEWAY = "gateway";
const GATEWAY_PUBLIC = "gateway-public";

export const GROUPS: readonly Group[] = [
  {
    name: "rest",
    title: "REST",
    baseline: { name: "bare", label: "bare node:http", dialect: "rest" },
    contenders: [
      { name: GATEWAY, label: "gateway", dialect: "rest" },
      {
        name: "express",
        label: "express + express-rate-limit + rate-limit-redis + jsonwebtoken",
        dialect: "rest",
        without: ["EdDSA"],
      },
      {
        name: "fastify",
        label: "fastify + @fastify/rate-limit + @fastify/jwt",
        dialect: "rest",
      },
    ],
  },
  {
    name: "connect",
    title: "Connect",
    baseline: { name: "connect-node", label: "connectNodeAdapter", dialect: "connect" },
    contenders: [{ name: GATEWAY, label: "gateway", dialect: "connect" }],
  },
  {
    name: "grpc",
    title: "gRPC",
    baseline: { name: "grpc-js", label: "bare grpc-js", dialect: "grpc" },
    contenders: [
      { name: GATEWAY, label: "gateway, internal listener", dialect: "grpc", listener: "internal" },
      { name: GATEWAY_PUBLIC, peer: GATEWAY, label: "gateway, public listener", dialect: "grpc" },
    ],
  },
  {
    name: "tls",
    title: "REST (new TLS connection)",
    baseline: { name: "bare", label: "bare node:https", dialect: "rest-tls" },
    contenders: [{ name: GATEWAY, label: "gateway", dialect: "rest-tls" }],
  },
  {
    name: "tls-resumed",
    title: "REST (resumed TLS session)",
    baseline: { name: "bare", label: "bare node:https", dialect: "rest-tls-resumed" },
    contenders: [{ name: GATEWAY, label: "gateway", dialect: "rest-tls-resumed" }],
  },
];

const REST = { group: "rest", own: GATEWAY, against: "bare", algorithm: "RS256" } as const;
const GRPC = { group: "grpc", against: "grpc-js", most: 1 } as const;
const CONNECT = { group: "connect", own: GATEWAY, against: "connect-node", most: 0.75 } as const;

export const TARGETS: readonly Target[] = [
  { ...REST, text: "REST / bare node:http", most: 1.08 },
  { ...REST, text: "REST / bare node:http", algorithm: "EdDSA", most: 1.25 },
  ...ALGORITHMS.flatMap((algorithm) => [
    { ...GRPC, text: "gRPC, internal port / bare grpc-js", own: GATEWAY, algorithm },
    { ...GRPC, text: "gRPC, public port / bare grpc-js", own: GATEWAY_PUBLIC, algorithm },
    { ...CONNECT, text: "Connect / connectNodeAdapter", algorithm },
  ]),
];

/** The ratio that fails the run. */
export const GATE: Target = { ...REST, text: "REST / bare node:http", most: 1.25 };
