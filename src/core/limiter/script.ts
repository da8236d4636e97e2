// The limiter's Redis script: window.ts again, where the log lives. Knows only keys, limits and Redis's clock.

import { LARGEST_EXACT_LIMIT, SUB_WINDOWS } from "./window.ts";

/**
 * Decides all charges of a call in one step: all are admitted and written, or none.
 *
 * KEYS: one log a charge. ARGV: the time in microseconds (`redis`: by TIME), then limit and window (microseconds) of each.
 * Reply, all integers: the number of the first charge denied (0: none), then remaining and reset (microseconds) of each.
 *
 * A log is packed big-endian, oldest entry first: 4 bytes of base (unix seconds), then for each admission the
 * microseconds since then in 4 bytes; ten admissions take 44 bytes, the most that Redis keeps in one allocation. Limits
 * over LARGEST_EXACT_LIMIT are counted by sub-window: a byte before the base, and 4 more an entry for the count. The
 * length modulo 4 tells the two forms apart, so that a limit may move from one to the other.
 */
export const CHARGE_SCRIPT = `
local now
if ARGV[1] == 'redis' then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
else
  now = tonumber(ARGV[1])
end

local function unpack_log(packed)
  local log = {}
  if not packed then return log end
  local counted = #packed % 4 == 1
  local first = counted and 2 or 1
  local base = struct.unpack('>I4', packed, first) * 1000000
  for place = first + 4, #packed - 3, counted and 8 or 4 do
    local offset = struct.unpack('>I4', packed, place)
    log[#log + 1] = { base + offset, counted and struct.unpack('>I4', packed, place + 4) or 1 }
  end
  return log
end

local function pack_log(log, counted)
  local base = math.floor(log[1][1] / 1000000)
  local parts = { counted and '+' or '', struct.pack('>I4', base) }
  for _, entry in ipairs(log) do
    local offset = struct.pack('>I4', entry[1] - base * 1000000)
    parts[#parts + 1] = counted and offset .. struct.pack('>I4', entry[2]) or string.rep(offset, entry[2])
  end
  return table.concat(parts)
end

local function reset_of(log, slots, window)
  for _, entry in ipairs(log) do
    slots = slots - entry[2]
    if slots <= 0 then return entry[1] + window - now end
  end
  return 0
end

local charges, denied = {}, 0
for number, key in ipairs(KEYS) do
  local limit, window = tonumber(ARGV[2 * number]), tonumber(ARGV[2 * number + 1])
  local counted = limit > ${LARGEST_EXACT_LIMIT}
  local quantum = counted and math.ceil(window / ${SUB_WINDOWS}) or 1
  local tick = math.ceil(now / quantum) * quantum
  local logged = unpack_log(redis.call('GET', key))
  local stepped = #logged > 0 and logged[#logged][1] > tick
  local log, used = {}, 0
  for _, entry in ipairs(logged) do
    local at = math.min(entry[1], tick)
    if at > now - window then
      local newest = log[#log]
      if counted and newest and newest[1] == at then
        newest[2] = newest[2] + entry[2]
      else
        log[#log + 1] = { at, entry[2] }
      end
      used = used + entry[2]
    end
  end
  if used >= limit and denied == 0 then denied = number end
  charges[number] = {
    key = key, limit = limit, window = window, counted = counted,
    tick = tick, stepped = stepped, log = log, used = used,
  }
end

local reply = { denied }
for _, charge in ipairs(charges) do
  local log = charge.log
  if denied == 0 then
    local newest = log[#log]
    if charge.counted and newest and newest[1] == charge.tick then
      newest[2] = newest[2] + 1
    else
      log[#log + 1] = { charge.tick, 1 }
    end
    charge.used = charge.used + 1
  end
  if #log > 0 and (denied == 0 or charge.stepped) then
    redis.call('SET', charge.key, pack_log(log, charge.counted), 'PX', math.ceil((charge.window + charge.tick - now) / 1000))
  end
  reply[#reply + 1] = math.max(0, charge.limit - charge.used)
  reply[#reply + 1] = reset_of(log, math.max(1, charge.used - charge.limit + 1), charge.window)
end
return reply
`;
