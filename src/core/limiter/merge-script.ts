// The script that merges what a gateway remembers of its own admissions into Redis's logs. Knows only keys, limits and logs.

import type { Policy } from "../ports.ts";
import type { Admission } from "./admissions.ts";
import { PACKED_LOG } from "./packed-log.ts";
import { LARGEST_EXACT_LIMIT } from "./window.ts";

/** What of each log goes into a merge, beside its key. */
const MERGE_ARGUMENTS_PER_KEY = 4;

/**
 * Makes each log hold whatever it held, and what the caller admitted besides.
 *
 * KEYS: the logs. ARGV: the time, then of each log the limit, the window (microseconds), the generation that the caller
 * knows of it (0: none) and the caller's admissions. These are a packed log where the log is exact; where it is counted by
 * sub-window, packed big-endian too: 4 bytes of base (unix seconds), and for each entry 4 of microseconds since, 4 of how
 * many were admitted, 4 of how many of those the log has never been told of.
 * Reply, all integers: the time, then the generation of each log.
 *
 * Exact logs are united by instant: Redis's clock gives no two admissions the same, so that a merge may be done twice. In
 * logs that are counted by sub-window the same instant is of several gateways: where the log is of the generation that
 * the caller knows, it has been told of all but the last number; else it was lost, and has been told of nothing.
 */
export const MERGE_SCRIPT = `${PACKED_LOG}
local function unite(log, limit, window, generation, sent)
  -- 0. Most logs of a store that lost everything are made of what one gateway knows, as it knows it.
  if log == '' and limit <= ${LARGEST_EXACT_LIMIT} then
    local newest = base_of(sent) + unpack('>I4', sent, #sent - 3)
    if newest <= now and newest > now - window then return sent, ceil((newest + window - now) / 1000), 0 end
  end

  local counted = limit > ${LARGEST_EXACT_LIMIT}
  local tick = tick_of(limit, window)
  local known = counted and is_counted(log) and generation_of(log) == generation

  -- 1. What is live of both, by instant; nothing lies ahead of the clock.
  local held, ours, untold, instants = {}, {}, {}, {}
  local function add(counts, at, count)
    at = min(at, tick)
    if at <= now - window then return end
    if not held[at] then
      held[at], ours[at], untold[at] = 0, 0, 0
      instants[#instants + 1] = at
    end
    counts[at] = counts[at] + count
  end
  if log ~= '' then each(log, function(at, count) add(held, at, count) end) end
  if counted then
    local base = unpack('>I4', sent, 1) * 1000000
    for place = 5, #sent, 12 do
      local offset, count, new = unpack('>I4I4I4', sent, place)
      add(ours, base + offset, count)
      add(untold, base + offset, new)
    end
  else
    each(sent, function(at) add(ours, at, 1) end)
  end
  if #instants == 0 then return nil end
  table.sort(instants)

  -- 2. United.
  local total = 0
  for _, at in ipairs(instants) do
    local count
    if not counted then
      count = max(held[at], ours[at])
    elseif known then
      count = max(held[at], ours[at] - untold[at]) + untold[at]
    else
      count = held[at] + ours[at]
    end
    held[at] = count
    total = total + count
  end

  -- 3. Packed; of an exact log no more than the limit matters, and the newest of them.
  local parts, first, surplus = {}, nil, counted and 0 or max(0, total - limit)
  for _, at in ipairs(instants) do
    local dropped = min(surplus, held[at])
    surplus = surplus - dropped
    local count = held[at] - dropped
    if count > 0 then
      first = first or floor(at / 1000000)
      local offset = pack('>I4', at - first * 1000000)
      parts[#parts + 1] = counted and offset .. pack('>I4', count) or string.rep(offset, count)
    end
  end
  local entries, newest = table.concat(parts), instants[#instants]
  local left = ceil((newest + window - now) / 1000)
  if not counted then return pack('>I4', first) .. entries, left, 0 end
  if not (log ~= '' and is_counted(log)) then generation = now % 4294967296 else generation = generation_of(log) end
  return begin_counted(generation, total, first) .. entries, left, generation
end

local reply = { now }
for number, key in ipairs(KEYS) do
  local place = 2 + ${MERGE_ARGUMENTS_PER_KEY} * (number - 1)
  local limit, window = tonumber(ARGV[place]), tonumber(ARGV[place + 1])
  -- A key that holds something else is left as it is: it must not keep all others from being merged.
  local is_log, held = pcall(read_log, key)
  local log, left, generation
  if is_log then log, left, generation = unite(held, limit, window, tonumber(ARGV[place + 2]), ARGV[place + 3]) end
  if log then redis.call('SET', key, log, 'PX', left) end
  reply[#reply + 1] = generation or 0
end
return reply
`;

/** Admissions, oldest first and none over an hour apart, as MERGE_SCRIPT takes them. */
export function packAdmissions(admissions: readonly Admission[], { limit }: Policy): Buffer {
  const base = Math.floor((admissions[0]?.at ?? 0) / 1_000_000);
  return limit <= LARGEST_EXACT_LIMIT ? packExact(admissions, base) : packCounted(admissions, base);
}

function packExact(admissions: readonly Admission[], base: number): Buffer {
  const packed = Buffer.alloc(4 + 4 * admissions.reduce((sum, { count }) => sum + count, 0));
  let place = packed.writeUInt32BE(base);
  for (const { at, count } of admissions) {
    for (let turn = 0; turn < count; turn++) place = packed.writeUInt32BE(at - base * 1_000_000, place);
  }
  return packed;
}

function packCounted(admissions: readonly Admission[], base: number): Buffer {
  const packed = Buffer.alloc(4 + 12 * admissions.length);
  let place = packed.writeUInt32BE(base);
  for (const { at, count, untold } of admissions) {
    for (const number of [at - base * 1_000_000, count, untold]) place = packed.writeUInt32BE(number, place);
  }
  return packed;
}
