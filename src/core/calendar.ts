// Days as people write them. Knows no clock.

const DAY = "2026-01-31".length;

/** Whether a time as RFC 3339 has it begins with a day that there is: `Date` takes the 31st of February for the 3rd of March. */
export function namesDay(time: string): boolean {
  const day = time.slice(0, DAY);
  const at = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(day);
}
