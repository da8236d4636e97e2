// The times that a device may have signed in place of the one that it sent. Reads no clock.

import type { SignedText } from "./arrangements.ts";
import { inWords, offsetInWords } from "./durations.ts";
import { type Finding, finding } from "./findings.ts";
import type { SentTimestamp } from "./sent-timestamp.ts";

/** Both in unix seconds. */
export interface Moment {
  readonly sent: number;
  readonly received: number;
}

/** The ways that this time may have been written. */
export function timeTexts(timestamp: SentTimestamp | undefined, right: string): SignedText[] {
  const texts: SignedText[] = [];
  const { text = right, mistake } = timestamp ?? {};
  if (text !== right)
    texts.push({ text, findings: [finding(mistake === undefined ? "signed_text" : "signed_as_sent")] });
  texts.push({ text: `${right}.0`, findings: [finding("signed_decimals")] });
  texts.push({ text: `${right}000`, findings: [finding("signed_milliseconds")] });
  return texts.filter((one, place) => texts.findIndex((other) => other.text === one.text) === place);
}

/** Seconds that pass between two readings of a clock. */
const NEAR = 10;
/** In half hours. */
const FARTHEST_ZONE = 28;

/** Times that are likely to have been signed in place of the one that was sent. */
export function nearTimes({ sent, received }: Moment): SignedText[] {
  const seconds = around(NEAR).map((off) => shifted(sent, off));
  const zones = around(FARTHEST_ZONE).map((halves) => zoned(sent, halves));
  return [...seconds, ...zones, ...receiveTimes(sent, received), { text: "0", findings: [elsewhere(-sent)] }];
}

/** Distances from zero both ways, the nearest first, zero apart. */
function around(farthest: number): number[] {
  return Array.from({ length: farthest }, (_, place) => [-(place + 1), place + 1]).flat();
}

function elsewhere(off: number): Finding {
  return finding("other_timestamp", offsetInWords(off));
}

function shifted(sent: number, off: number): SignedText {
  return { text: String(sent + off), findings: [elsewhere(off)] };
}

function zoned(sent: number, halves: number): SignedText {
  const off = halves * 1800;
  const side = off < 0 ? "behind" : "ahead of";
  return { text: String(sent + off), findings: [finding("local_time", `${inWords(off)} ${side}`)] };
}

function receiveTimes(sent: number, received: number): SignedText[] {
  return [0, ...around(NEAR)]
    .map((off) => shifted(sent, received - sent + off))
    .filter(({ text }) => text !== String(sent));
}

/** A time zone, and a clock that was read twice: there are many. */
export function* zonesRoughly(sent: number): Generator<SignedText> {
  for (const halves of around(FARTHEST_ZONE)) {
    for (const off of around(NEAR)) yield shifted(sent, halves * 1800 + off);
  }
}

/** The milliseconds that are the second that was sent, cut or rounded. */
export function* milliseconds(sent: number): Generator<SignedText> {
  const base = sent * 1000;
  const about = [finding("signed_milliseconds")];
  for (let off = 1; off < 1000; off++) yield { text: String(base + off), findings: about };
  for (let off = 1; off <= 500; off++) yield { text: String(base - off), findings: about };
}
