// What a login's signature may have been made over: the right message, and what firmware signs by mistake. Knows no key.

import { type Arrange, DOUBLE, OTHERWISE, RIGHT, SINGLE, type SignedText } from "./arrangements.ts";
import { finding } from "./findings.ts";
import type { SentTimestamp } from "./sent-timestamp.ts";
import { milliseconds, nearTimes, timeTexts, zonesRoughly } from "./signed-times.ts";

export interface SignedParts {
  /** The device_key of the body; the one that was named where the body has none. */
  readonly deviceKey: string;
  readonly namedDeviceKey: string;
  /** Undefined: the body has none. */
  readonly timestamp: SentTimestamp | undefined;
  /** When it was received, in unix milliseconds. */
  readonly receivedAt: number;
  readonly body: string;
  readonly unsignedBody: string | undefined;
}

/** The messages to try, by what it costs to try them all. */
export interface CandidateMessages {
  readonly right: SignedText;
  /** One mistake each, in how it is written: dozens. */
  readonly written: readonly SignedText[];
  /** One mistake each, in the time: about a hundred. */
  readonly near: readonly SignedText[];
  /** Two mistakes each, in how it is written: hundreds. */
  readonly double: readonly SignedText[];
  /** Milliseconds: more than a thousand. */
  readonly far: () => Iterable<SignedText>;
  /** Milliseconds and another mistake, and less likely times: thousands. */
  readonly farther: () => Iterable<SignedText>;
}

/** What may have been signed. A login without a time that can be read is taken for one of when it was received. */
export function candidateMessages(parts: SignedParts): CandidateMessages {
  const received = Math.floor(parts.receivedAt / 1000);
  const sent = parts.timestamp?.seconds ?? received;
  const time: SignedText = { text: String(sent), findings: [] };
  const name: SignedText = { text: parts.deviceKey, findings: [] };
  const times = timeTexts(parts.timestamp, time.text);
  const names = nameTexts(parts);

  const single = (arrange: Arrange): SignedText => build(arrange, time, name);
  const right = single(RIGHT);
  const written = [
    ...SINGLE.map(single),
    ...times.map((other) => build(RIGHT, other, name)),
    ...names.map((other) => build(RIGHT, time, other)),
    ...bodies(parts, time.text),
  ];
  const double = [
    ...DOUBLE.map(single),
    ...times.flatMap((other) => [...SINGLE, ...DOUBLE].map((arrange) => build(arrange, other, name))),
    ...names.flatMap((other) => SINGLE.map((arrange) => build(arrange, time, other))),
    ...times.flatMap((otherTime) => names.map((otherName) => build(RIGHT, otherTime, otherName))),
  ];
  return {
    right,
    written: distinct(written, right),
    near: nearTimes({ sent, received }).map((other) => build(RIGHT, other, name)),
    double: distinct(double, right),
    *far() {
      for (const other of milliseconds(sent)) yield build(RIGHT, other, name);
    },
    *farther() {
      for (const other of milliseconds(sent)) {
        for (const arrange of OTHERWISE) yield build(arrange, other, name);
      }
      for (const other of zonesRoughly(sent)) yield build(RIGHT, other, name);
    },
  };
}

function build(arrange: Arrange, time: SignedText, name: SignedText): SignedText {
  const { text, findings } = arrange(time.text, name.text);
  return { text, findings: [...time.findings, ...name.findings, ...findings] };
}

/** Where two are the same text the first explains it, and the right one needs no explanation. */
function distinct(messages: readonly SignedText[], right: SignedText): readonly SignedText[] {
  const first = new Map<string, SignedText>();
  for (const message of messages) {
    if (message.text !== right.text && !first.has(message.text)) first.set(message.text, message);
  }
  return [...first.values()];
}

/** The ways that this device_key may have been written. */
function nameTexts({ deviceKey, namedDeviceKey }: SignedParts): SignedText[] {
  const variants: readonly (readonly [string, string])[] = [
    [namedDeviceKey, "It is the one that was named"],
    [deviceKey.toUpperCase(), "It was in upper case"],
    [deviceKey.toLowerCase(), "It was in lower case"],
    [deviceKey.replaceAll("-", ""), "It was without its hyphens"],
    [deviceKey.trim(), "It was without its white space"],
    [`"${deviceKey}"`, "It had quotes around it"],
  ];
  return variants
    .filter(([text]) => text !== deviceKey && text !== "")
    .map(([text, how]) => ({ text, findings: [finding("signed_device_key", how)] }));
}

/** The JSON itself, as sent or as a library would write it. */
function bodies({ body, unsignedBody, deviceKey }: SignedParts, time: string): SignedText[] {
  const name = JSON.stringify(deviceKey);
  const texts = [
    body,
    body.trim(),
    unsignedBody,
    unsignedBody?.trim(),
    ...[time, `"${time}"`].flatMap((stamp) => [
      `{"device_key":${name},"timestamp":${stamp}}`,
      `{"device_key": ${name}, "timestamp": ${stamp}}`,
      `{"timestamp":${stamp},"device_key":${name}}`,
      `{"timestamp": ${stamp}, "device_key": ${name}}`,
    ]),
  ];
  return texts.flatMap((text) => (text === undefined ? [] : [{ text, findings: [finding("signed_body")] }]));
}
