// Path templates of google.api.http: parsed once, matched against paths. Knows no message and no verb of HTTP.

/** A place in a template that binds a field. */
export interface Variable {
  /** The field's path, dotted: `shelf` or `book.shelf`. */
  readonly fieldPath: string;
  /** It binds several segments: an encoded slash in it stays encoded, or the segments could not be told apart. */
  readonly several: boolean;
}

export interface PathTemplate {
  readonly text: string;
  readonly variables: readonly Variable[];
  /** Nothing in it varies: it is its own only path. */
  readonly literal: boolean;
  /** What it matches, variables' names left out: two templates of one shape match the same paths. */
  readonly shape: string;
  /** Matches a path (without query). @returns the variables' values, decoded, in order; undefined when it does not match */
  match(path: string): readonly string[] | undefined;
}

interface Parsed {
  pattern: string;
  shape: string;
  readonly variables: Variable[];
}

/**
 * Parses a template by the grammar in google/api/http.proto:
 * `"/" Segments [ ":" Verb ]`, a segment being `*`, `**` (last only), a literal, or `{field.path[=segments]}`.
 * @throws TypeError naming what is wrong
 */
export function parsePathTemplate(text: string): PathTemplate {
  const fault = (what: string): TypeError => new TypeError(`path template ${text}: ${what}`);
  if (!text.startsWith("/")) throw fault("it has to start with a slash");
  const { body, verb } = splitVerb(text.slice(1));
  if (verb !== undefined && !LITERAL.test(verb)) throw fault("what follows the colon is no verb");

  const parsed: Parsed = { pattern: "", shape: "", variables: [] };
  const segments = splitSegments(body);
  for (const [place, segment] of segments.entries()) {
    const last = place === segments.length - 1;
    const [, fieldPath, inner = "*"] = /^\{([^={}]+)(?:=([^{}]+))?\}$/.exec(segment) ?? [];
    if (fieldPath === undefined) {
      add(parsed, "/", segment, last, fault);
      continue;
    }
    if (!/^[a-z_]\w*(\.[a-z_]\w*)*$/i.test(fieldPath)) throw fault(`${fieldPath} is no field path`);
    if (parsed.variables.some((variable) => variable.fieldPath === fieldPath))
      throw fault(`${fieldPath} is bound twice`);
    const parts = inner.split("/");
    parsed.variables.push({ fieldPath, several: parts.length > 1 || inner === "**" });
    if (inner === "**") {
      if (!last) throw fault("** may only come last");
      parsed.pattern += anySegments(parsed, (segments) => `(${segments})`);
      parsed.shape += "/**";
      continue;
    }
    parsed.pattern += "/(";
    parsed.shape += "/";
    for (const [index, part] of parts.entries()) {
      add(parsed, index === 0 ? "" : "/", part, last && index === parts.length - 1, fault);
    }
    parsed.pattern += ")";
  }
  if (verb !== undefined) {
    parsed.pattern += `:${quote(verb)}`;
    parsed.shape += `:${verb}`;
  }

  const expression = new RegExp(`^${parsed.pattern}$`);
  const { variables, shape } = parsed;
  return {
    text,
    variables,
    shape,
    literal: variables.length === 0 && !shape.includes("*"),
    match(path) {
      const found = expression.exec(normalize(path));
      if (found === null) return undefined;
      const values = variables.map(({ several }, place) => decode(found[place + 1] ?? "", several));
      return values.every((value) => value !== undefined) ? values : undefined;
    },
  };
}

/** Orders templates so that the one that says more is tried first: literals before `*` before `**`, a verb before none. */
export function compareSpecificity(one: PathTemplate, other: PathTemplate): number {
  return rank(one).localeCompare(rank(other));
}

function rank({ shape }: PathTemplate): string {
  const verb = shape.lastIndexOf(":") > shape.lastIndexOf("/") ? "0" : "1";
  const segments = shape
    .split("/")
    .map((segment) => (segment.startsWith("**") ? "2" : segment.startsWith("*") ? "1" : "0"));
  return `${segments.join("")}${verb}`;
}

const LITERAL = /^[\w.~!$&'()+,;@%-]+$/;
const SEGMENT = "[^/]+";

/**
 * Zero or more segments with the slash before them, which is no part of what they capture (google/api/http.proto). A path
 * of none has no slash, but for the root, which is nothing else.
 */
function anySegments({ pattern }: Parsed, capture: (segments: string) => string): string {
  const segments = `${SEGMENT}(?:/${SEGMENT})*`;
  return pattern === "" ? `/${capture(`(?:${segments})?`)}` : `(?:/${capture(segments)})?`;
}

function add(parsed: Parsed, slash: string, segment: string, last: boolean, fault: (what: string) => TypeError): void {
  parsed.shape += `${slash}${normalize(segment).replace(/%[0-9a-f]{2}/gi, (triplet) => triplet.toUpperCase())}`;
  if (segment === "*") parsed.pattern += slash + SEGMENT;
  else if (segment === "**") {
    if (!last) throw fault("** may only come last");
    parsed.pattern += anySegments(parsed, (segments) => segments);
  } else if (LITERAL.test(segment)) parsed.pattern += `${slash}${quote(normalize(segment))}`;
  else throw fault(segment === "" ? "it has an empty segment" : `${segment} is no segment`);
}

/** The verb is what follows a colon in the last segment, outside braces. */
function splitVerb(text: string): { body: string; verb: string | undefined } {
  const colon = text.lastIndexOf(":");
  if (colon === -1 || colon < text.lastIndexOf("/") || colon < text.lastIndexOf("}"))
    return { body: text, verb: undefined };
  return { body: text.slice(0, colon), verb: text.slice(colon + 1) };
}

/** Splits at slashes, but for those within braces. */
function splitSegments(text: string): string[] {
  return text.split(/\/(?![^{]*\})/);
}

/** A pattern for a literal; its escapes match in either case of their digits. */
function quote(text: string): string {
  return text
    .replace(/[.*+?^${}()|[\]\\]/g, "\\$&")
    .replace(/%[0-9a-f]{2}/gi, (triplet) =>
      triplet.replace(/[a-f]/gi, (digit) => `[${digit.toLowerCase()}${digit.toUpperCase()}]`),
    );
}

/** RFC 3986, 6.2.2: an unreserved character is the same, encoded or not. */
function normalize(path: string): string {
  if (!path.includes("%")) return path;
  return path.replace(/%([0-9a-f]{2})/gi, (encoded, hex: string) => {
    const character = String.fromCharCode(Number.parseInt(hex, 16));
    return /[\w.~-]/.test(character) ? character : encoded;
  });
}

/** Decodes a value once; one of several segments keeps its encoded slashes. */
function decode(text: string, several: boolean): string | undefined {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(several ? text.replace(/%2f/gi, (slash) => slash.replace("%", "%25")) : text);
  } catch {
    return undefined;
  }
}
