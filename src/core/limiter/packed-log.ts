// The packed log in Lua: what both Redis scripts know of it. Knows no policy, and no key.

import { LARGEST_EXACT_LIMIT, SUB_WINDOWS } from "./window.ts";

/**
 * A log is packed big-endian, oldest entry first: 4 bytes of base (unix seconds), then for each admission the
 * microseconds since then in 4 bytes; ten admissions take 44 bytes, the most that Redis keeps in one allocation. Limits
 * over LARGEST_EXACT_LIMIT are counted by sub-window: before the base are a byte, 4 of the log's generation (the instant
 * that it was begun, modulo 2^32 microseconds) and 4 of the total, and after each entry 4 of its count. The length modulo
 * 4 tells the two forms apart, so that a limit may move from one to the other.
 *
 * `ARGV[1]` of a script that begins with this is the time in microseconds, or `redis`: by TIME.
 */
export const PACKED_LOG = `
local unpack, pack, floor, ceil, max, min = struct.unpack, struct.pack, math.floor, math.ceil, math.max, math.min
local EXACT, COUNTED, LARGEST_OFFSET = 4, 13, 4294967295

local now
if ARGV[1] == 'redis' then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
else
  now = tonumber(ARGV[1])
end

local function is_counted(log) return #log % 4 == 1 end

-- What is no log is not touched: the error names it so, and says nothing of Redis.
local function read_log(key)
  local log = redis.call('GET', key) or ''
  local size = #log
  local shaped = size == 0 or (size % 4 == 0 and size >= 8) or (size % 8 == 5 and size >= 21 and log:byte(1) == 43)
  if not shaped then error('WRONGTYPE ' .. key .. ' holds no log') end
  return log
end

local function generation_of(log) return unpack('>I4', log, 2) end

local function base_of(log)
  return unpack('>I4', log, is_counted(log) and 10 or 1) * 1000000
end

local function begin_counted(generation, total, base)
  return '+' .. pack('>I4I4I4', generation, total, base)
end

-- An instant as a log of that limit has it: where sub-windows are counted, the end of one.
local function tick_of(limit, window)
  local quantum = limit > ${LARGEST_EXACT_LIMIT} and ceil(window / ${SUB_WINDOWS}) or 1
  return ceil(now / quantum) * quantum
end

-- Visits the entries of a log, oldest first.
local function each(log, visit)
  local counted, base = is_counted(log), base_of(log)
  for place = counted and COUNTED + 1 or EXACT + 1, #log - 3, counted and 8 or 4 do
    visit(base + unpack('>I4', log, place), counted and unpack('>I4', log, place + 4) or 1)
  end
end
`;
