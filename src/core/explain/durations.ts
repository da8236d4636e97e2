// A span of time in words. Knows no clock.

const MINUTE = 60;
const HOUR = 3_600;
const DAY = 86_400;
const YEAR = 31_556_952;

/** A span in its two largest units, as in `2 h 13 min`; takes seconds and drops the sign. */
export function inWords(seconds: number): string {
  const span = Math.round(Math.abs(seconds));
  if (span >= YEAR) return pair(span, YEAR, "year", DAY, "day");
  if (span >= DAY) return pair(span, DAY, "day", HOUR, "h");
  if (span >= HOUR) return pair(span, HOUR, "h", MINUTE, "min");
  if (span >= MINUTE) return pair(span, MINUTE, "min", 1, "s");
  return `${span} s`;
}

function pair(span: number, large: number, largeName: string, small: number, smallName: string): string {
  const many = Math.floor(span / large);
  const rest = Math.floor((span % large) / small);
  return rest === 0 ? count(many, largeName) : `${count(many, largeName)} ${count(rest, smallName)}`;
}

function count(many: number, name: string): string {
  const plural = many !== 1 && (name === "year" || name === "day") ? "s" : "";
  return `${many} ${name}${plural}`;
}

/** How far one time is from another, in words: `3 s before` or `1 h after`; takes seconds. */
export function offsetInWords(seconds: number): string {
  return `${inWords(seconds)} ${seconds < 0 ? "before" : "after"}`;
}
