// Deterministic mutations of valid bytes.

/** Numbers below a bound, the same for the same seed (mulberry32). */
export type Random = (bound: number) => number;

export function randomOf(seed: number): Random {
  let state = Math.imul(seed + 1, 0x9e3779b1);
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}

/** @throws TypeError for an empty list */
export function choose<Value>(choices: readonly Value[], random: Random): Value {
  const choice = choices[random(choices.length)];
  if (choice === undefined) throw new TypeError("there is nothing to choose from");
  return choice;
}

export type Mutation = (bytes: Buffer, random: Random) => Buffer;

function splice(bytes: Buffer, at: number, length: number, inserted: Uint8Array): Buffer {
  return Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(at + length)]);
}

const flipBit: Mutation = (bytes, random) => {
  const copy = Buffer.from(bytes);
  const at = random(copy.length);
  copy.writeUInt8(copy.readUInt8(at) ^ (1 << random(8)), at);
  return copy;
};

const replaceByte: Mutation = (bytes, random) => splice(bytes, random(bytes.length), 1, Buffer.of(random(256)));

const insertBytes: Mutation = (bytes, random) => {
  const inserted = Buffer.from(Array.from({ length: 1 + random(16) }, () => random(256)));
  return splice(bytes, random(bytes.length + 1), 0, inserted);
};

const insertRun: Mutation = (bytes, random) =>
  splice(bytes, random(bytes.length + 1), 0, Buffer.alloc(1 << random(15), random(256)));

const cut: Mutation = (bytes, random) => splice(bytes, random(bytes.length), 1 + random(32), Buffer.alloc(0));

const truncate: Mutation = (bytes, random) => bytes.subarray(0, 1 + random(bytes.length));

const repeatSlice: Mutation = (bytes, random) => {
  const at = random(bytes.length);
  return splice(bytes, at, 0, bytes.subarray(at, at + 1 + random(128)));
};

/** Mutations of any protocol. */
export const OF_BYTES: readonly Mutation[] = [
  flipBit,
  replaceByte,
  insertBytes,
  insertRun,
  cut,
  truncate,
  repeatSlice,
  (bytes, random) => repeatSlice(flipBit(bytes, random), random),
];

const LINES = [
  "Content-Length: 3",
  "Content-Length: -1",
  "Content-Length: 18446744073709551616",
  "Content-Length: 3, 4",
  "Transfer-Encoding: chunked",
  "Transfer-Encoding: xchunked",
  "Transfer-Encoding: gzip, chunked",
  "Transfer-Encoding:\x0bchunked",
  "Host: other",
  "Connection: upgrade, http2-settings",
  "Upgrade: h2c",
  "Expect: 100-continue",
  "Expect: else",
  "Trailer: a",
  " folded",
  "Name : a",
  "X-\xff: \xff",
  "Content-Encoding: gzip",
  "Content-Type: application/grpc",
];
const VERSIONS = ["HTTP/0.9", "HTTP/1.0", "HTTP/2.0", "HTTP/1.2", "HTTP/9.9", "HTTP/11", "http/1.1", ""];
const TARGETS = ["*", "//", "http://[", "/%", "/%00", "/../..", "/auth/login?%", "a:1", `/${"a".repeat(9_000)}`, ""];
const CHUNKS = ["5\r\nab\r\n", "-1\r\n", "ffffffffffffffffff\r\n", "0\r\n\r\n", "1;\r\na\r\n", "Z\r\n", "1\na\n"];

const inText =
  (mutate: (text: string, random: Random) => string): Mutation =>
  (bytes, random) =>
    Buffer.from(mutate(bytes.toString("latin1"), random), "latin1");

/** Mutations of an HTTP/1 request. */
export const OF_HTTP1: readonly Mutation[] = [
  inText((text, random) => text.replace("\r\n", `\r\n${choose(LINES, random)}\r\n`)),
  inText((text, random) =>
    text.replace(/\r\n([^\r]+)\r\n/, (line, field) => `${line}${field}\r\n`.repeat(1 + random(80))),
  ),
  inText((text, random) => text.replace(/HTTP\/1\.\d/, choose(VERSIONS, random))),
  inText((text, random) => text.replace(/ \/\S*/, ` ${choose(TARGETS, random)}`)),
  inText((text, random) => text.replace(/Content-Length: \d+/, `Content-Length: ${random(300)}`)),
  inText((text, random) => text.replace("\r\n\r\n", `\r\n\r\n${choose(CHUNKS, random)}`)),
  inText((text, random) => text.replaceAll("\r\n", choose(["\n", "\r", "\r\r\n", "\n\r\n"], random))),
  inText((text, random) =>
    text.replace(/^\w+/, choose(["", "GET", "PUT", "CONNECT", "PRI", "M-SEARCH", "get"], random)),
  ),
];

const MOST_MUTATIONS = 3;

/** Applies one to three mutations; something is left to send. */
export function mutate(valid: Buffer, mutations: readonly Mutation[], random: Random): Buffer {
  let bytes = valid;
  for (let times = 1 + random(MOST_MUTATIONS); times > 0; times--) {
    const mutated = choose(mutations, random)(bytes, random);
    if (mutated.length > 0) bytes = mutated;
  }
  return bytes;
}
