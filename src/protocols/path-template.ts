// Path templates of google.api.http, as far as the contract uses them: literals, `{field}` and a verb.

export interface PathTemplate {
  readonly text: string;
  /** The fields that the variables bind, dotted: `device.device_key`. */
  readonly fieldPaths: readonly string[];
  /** The template without the names of its variables: two of one shape match the same paths. */
  readonly shape: string;
  /** Matches a path (without query). @returns the variables' values, decoded, in order; undefined when it does not match */
  match(path: string): readonly string[] | undefined;
}

const LITERAL = /^[\w.~-]+$/;
const VARIABLE = /^\{([a-z_]\w*(?:\.[a-z_]\w*)*)\}$/i;

/**
 * Parses a template: `"/" Segment { "/" Segment } [ ":" Verb ]`, a segment being a literal or `{field.path}`.
 * @throws TypeError naming what is wrong
 */
export function parsePathTemplate(text: string): PathTemplate {
  const fail = (what: string): never => {
    throw new TypeError(`path template ${text}: ${what}`);
  };
  const [, body = fail("it is no path with at most one verb at its end"), verb] =
    /^\/([^:]*)(?::([\w.~-]+))?$/.exec(text) ?? [];
  const segments = body.split("/").map((segment) => {
    const fieldPath = VARIABLE.exec(segment)?.[1];
    if (fieldPath === undefined && !LITERAL.test(segment)) fail(`"${segment}" is no literal and no variable`);
    return { segment, fieldPath };
  });
  const fieldPaths = segments.flatMap(({ fieldPath }) => fieldPath ?? []);
  if (new Set(fieldPaths).size < fieldPaths.length) fail("a field is bound twice");
  const ending = verb === undefined ? "" : `:${verb}`;
  return {
    text,
    fieldPaths,
    shape: `/${segments.map(({ segment, fieldPath }) => (fieldPath === undefined ? segment : "*")).join("/")}${ending}`,
    match(path) {
      if (!path.startsWith("/") || !path.endsWith(ending)) return undefined;
      const parts = path.slice(1, path.length - ending.length).split("/");
      if (parts.length !== segments.length) return undefined;
      const values: string[] = [];
      for (const [at, { segment, fieldPath }] of segments.entries()) {
        const value = decode(parts[at] ?? "");
        if (value === undefined || value === "" || (fieldPath === undefined && value !== segment)) return undefined;
        if (fieldPath !== undefined) values.push(value);
      }
      return values;
    },
  };
}

/** Orders templates, the more specific first: literals before variables, a verb before none. */
export function compareSpecificity({ shape: one }: PathTemplate, { shape: other }: PathTemplate): number {
  const rank = (shape: string): string => shape.replaceAll("*", LAST) + (shape.includes(":") ? "" : LAST);
  return rank(one) < rank(other) ? -1 : 1;
}

/** Sorts after every character of a literal. */
const LAST = "\uffff";

function decode(segment: string): string | undefined {
  if (!segment.includes("%")) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
