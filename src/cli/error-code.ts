// What Node calls an error, for messages. Knows no command.

/** As in ENOENT; what has no such name is `an error`. */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "an error";
}
