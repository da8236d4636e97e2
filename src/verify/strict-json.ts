// JSON objects read strictly: UTF-8, no byte order mark, no name twice. Knows nothing of tokens.

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** In a text that is JSON: what opens or closes, and strings, with the colon behind those that are names. */
const STRUCTURE = /"(?:[^"\\]|\\.)*"(?:\s*(:))?|[{}[\]]/g;

/**
 * Reads an object of JSON (RFC 8259). A name that comes twice has no meaning that all readers agree on (RFC 7515, 4; RFC 7519, 4).
 * @throws SyntaxError, TypeError whose message says what is wrong, and repeats nothing
 */
export function readStrictJson(bytes: Uint8Array): object {
  const text = decoder.decode(bytes);
  const value: unknown = JSON.parse(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new TypeError("it is no object");
  refuseDuplicates(text);
  return value;
}

function refuseDuplicates(text: string): void {
  const open: (Set<string> | undefined)[] = [];
  for (const [token, colon] of text.matchAll(STRUCTURE)) {
    if (token === "{") open.push(new Set());
    else if (token === "[") open.push(undefined);
    else if (token === "}" || token === "]") open.pop();
    else if (colon !== undefined) {
      // Escapes spell one name in many ways: "s\u0075b" is "sub".
      const name = String(JSON.parse(token.slice(0, -1).trimEnd()));
      const names = open.at(-1);
      if (names?.has(name)) throw new SyntaxError("it has a name twice");
      names?.add(name);
    }
  }
}

/** An own member of an object. */
export function memberOf(value: object, name: string): unknown {
  return Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined;
}
