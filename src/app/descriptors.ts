// Limits of connections for each listener, by the settings and the process's file descriptors.

/** Descriptors for files, the database and Redis. */
const OTHER_DESCRIPTORS = 200;
/** Minimum for the internal listener: health, metrics and operators. */
const INTERNAL_SHARE = 400;

export interface ConnectionShares {
  readonly public: number;
  readonly internal: number;
}

/** Shares `descriptors` so that the internal listener answers whatever the public one suffers. */
export function shareDescriptors(maxConnections: number, descriptors: number): ConnectionShares {
  const left = Math.max(2, descriptors - OTHER_DESCRIPTORS);
  const kept = Math.min(maxConnections, INTERNAL_SHARE, left >> 1);
  const shared = Math.min(maxConnections, left - kept);
  return { public: shared, internal: Math.min(maxConnections, left - shared) };
}

/** The process's limit of open descriptors; unlimited where the system does not say. */
export function readDescriptorLimit(): number {
  // Documented, but not in the types. Without it the report looks up the names of peers.
  Reflect.set(process.report, "excludeNetwork", true);
  const report: unknown = process.report.getReport();
  const soft = /"open_files":\s*\{\s*"soft":\s*(\d+)/.exec(JSON.stringify(report))?.[1];
  return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
}
