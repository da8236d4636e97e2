// A key that signs before services have had time to fetch it: when that is so, and what is said of it. Knows no command.

import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { SigningKey } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { PUBLISH_MS } from "../core/tokens/rotation.ts";

/** How long it takes until every service has had time to fetch a key. */
export const FETCH_MINUTES = PUBLISH_MS / 60_000;

/** What it means that a key signs which was not published for long. */
export const UNFETCHED = "Services that have not fetched the keys since refuse its tokens until they do";

/** Warns of what it means that this key signs. */
export function warnUnfetched({ kid, createTime }: SigningKey): void {
  warn(`${kid} was published at ${timeOf(createTime)}. ${UNFETCHED}`);
}

/** Whether it began to sign before that, by the clocks of gateways alone. */
export function signedUnfetched(key: SigningKey): boolean {
  return key.activateTime === undefined || timestampMs(key.activateTime) < fetchedFrom(key);
}

/** When every service has had time to fetch a key, in unix milliseconds. */
export function fetchedFrom({ createTime }: SigningKey): number {
  return createTime === undefined ? Number.POSITIVE_INFINITY : timestampMs(createTime) + PUBLISH_MS;
}

export function timeOf(time: SigningKey["createTime"]): string {
  return time === undefined ? "an unknown time" : new Date(timestampMs(time)).toISOString();
}

export function warn(text: string): void {
  process.stderr.write(`countersign: ${text}\n`);
}
