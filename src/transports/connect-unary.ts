// Connect's unary protocol (connectrpc.com/docs/protocol), called without the library: its abort signals, fetch headers and
// streams of one chunk cost more than a login's own work. Knows no service.

import { type DescMessage, type MessageShape, toBinary, toJson } from "@bufbuild/protobuf";
import { codeToHttpStatus, errorToJsonBytes } from "@connectrpc/connect/protocol-connect";
import { readBody } from "./body.ts";
import { perform, type TransportOptions, type UnaryMethod } from "./call.ts";
import { type RequestCaller, valuesOf } from "./caller.ts";
import { compress, decompress } from "./coding.ts";
import { DirectContext } from "./context.ts";
import { readConnectTimeout } from "./deadline.ts";
import { errorHeaders, type Refusal, toConnect } from "./errors.ts";
import { HeaderList } from "./header-list.ts";
import { fetchHeaders, type HttpRequest, type HttpResponse, onGone, send } from "./http.ts";
import { readJson } from "./json.ts";
import { readBinary, readMessage, registryOf } from "./message.ts";

/** How messages are written in one of Connect's media types. */
export interface Codec {
  readonly contentType: string;
  readonly read: <Desc extends DescMessage>(desc: Desc, bytes: Uint8Array) => MessageShape<Desc>;
  readonly write: <Desc extends DescMessage>(desc: Desc, message: MessageShape<Desc>) => string | Uint8Array;
}

const JSON_CODEC: Codec = {
  contentType: "application/json",
  read: (desc, bytes) => readMessage(desc, readJson(bytes)),
  write: (desc, message) => JSON.stringify(toJson(desc, message, { registry: registryOf(desc) })),
};

const PROTO_CODEC: Codec = {
  contentType: "application/proto",
  read: readBinary,
  write: (desc, message) => toBinary(desc, message),
};

const MEDIA_TYPE = /^application\/(?:(json)(?:\s*;\s*charset\s*=\s*"?utf-?8"?)?|proto)\s*$/;

/** The codec of a media type in lower case; undefined for one that is not Connect's. */
export function codecOf(contentType: string): Codec | undefined {
  const match = MEDIA_TYPE.exec(contentType);
  if (match === null) return undefined;
  return match[1] === undefined ? PROTO_CODEC : JSON_CODEC;
}

/** Answers one call of a method that was found. @throws RequestAborted when there is nobody left to answer */
export type AnswerUnary = (
  target: UnaryMethod,
  codec: Codec,
  request: HttpRequest,
  response: HttpResponse,
  caller: RequestCaller,
) => Promise<void>;

/** Serves Connect. */
export function createConnectUnary(options: TransportOptions): AnswerUnary {
  return async (target, codec, request, response, caller) => {
    let deadline: number | undefined;
    const read = async (): Promise<MessageShape<DescMessage>> => {
      const timeoutMs = readConnectTimeout(request.headers["connect-timeout-ms"]);
      deadline = timeoutMs === undefined ? undefined : options.now() + timeoutMs;
      const body = await readBody(request, target.maxMessageBytes);
      const coding = request.headers["content-encoding"];
      return codec.read(target.method.input, await decompress(body, coding, target.maxMessageBytes));
    };
    const remainingMs = (): number | undefined =>
      deadline === undefined ? undefined : Math.max(0, deadline - options.now());
    const context = new DirectContext({
      method: target.method,
      protocolName: "connect",
      requestMethod: "POST",
      url: request.url ?? "",
      values: valuesOf(caller),
      requestHeader: () => fetchHeaders(request),
      responseHeader: new HeaderList(),
      remainingMs,
      onAbandoned: (abandon) => {
        const timer = deadline === undefined ? undefined : setTimeout(() => abandon("late"), remainingMs());
        onGone(request, response, () => {
          clearTimeout(timer);
          abandon("gone");
        });
      },
    });

    const write = (message: MessageShape<DescMessage>): string | Uint8Array =>
      codec.write(target.method.output, message);
    const outcome = await perform(target, { caller, context, read, write }, options);
    const headers = context.headersWithTrailers();
    if ("refusal" in outcome) sendError(response, outcome.refusal, headers);
    else await sendMessage(request, response, codec, outcome.answer, headers);
  };
}

async function sendMessage(
  request: HttpRequest,
  response: HttpResponse,
  { contentType }: Codec,
  body: string | Uint8Array,
  headers: HeaderList,
): Promise<void> {
  headers.set("Content-Type", contentType);
  const compressed = compress(body, request.headers["accept-encoding"]);
  if (compressed !== undefined) headers.set("Content-Encoding", "gzip");
  send(response, 200, headers, compressed === undefined ? body : await compressed);
}

/** An error, whatever the codec of the call, is JSON. */
function sendError(response: HttpResponse, refusal: Refusal, headers: HeaderList): void {
  const error = toConnect(refusal);
  headers.set("Content-Type", JSON_CODEC.contentType);
  for (const [name, value] of errorHeaders(refusal)) headers.set(name, value);
  send(response, codeToHttpStatus(error.code), headers, errorToJsonBytes(error, undefined));
}
