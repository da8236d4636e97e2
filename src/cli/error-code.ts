// The code that Node gives an error, for messages.

/** A code such as ENOENT; `an error` where there is none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "an error";
}
