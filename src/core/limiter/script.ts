// The script that decides: window.ts again, where the log lives. Knows only keys, limits and Redis's clock.

import { PACKED_LOG } from "./packed-log.ts";
import { DUE_UNIT } from "./server-clocks.ts";
import { LARGEST_EXACT_LIMIT } from "./window.ts";

/** What a reply opens with when the command came too late. */
export const TOO_LATE = -1;

/**
 * Decides all charges of a call in one step: all are admitted and written, or none.
 *
 * KEYS: one log a charge. ARGV: the time in microseconds (`redis`: by TIME) and, in DUE_UNITs, the time after which nobody
 * waits any more (0: never), then limit and window (microseconds) of each charge.
 * Reply, all integers: the number of the first charge denied (0: none; TOO_LATE: nothing was decided, and nothing written)
 * and the time; then of each charge what remains, the reset (microseconds to go) and the generation of its log (0: none, or
 * an exact one, which has none).
 *
 * A denial looks at one entry of an exact log, whatever its length; an admission finds where the window starts by halving.
 * Logs are cut and joined as they are: only a step of the clock, a change of form or an hour's drift from the base takes
 * one apart.
 */
export const CHARGE_SCRIPT = `${PACKED_LOG}
-- Takes a log apart and packs it anew: nothing ahead of tick, in the form and from the base that are due.
local function repack(log, counted, tick, first)
  local parts, total, open_at, open_count = {}, 0, nil, 0
  local base
  local function close()
    if not open_at then return end
    base = base or floor(open_at / 1000000)
    local offset = pack('>I4', open_at - base * 1000000)
    parts[#parts + 1] = counted and offset .. pack('>I4', open_count) or string.rep(offset, open_count)
    total = total + open_count
  end
  each(log, function(at, count)
    at = min(at, tick)
    if at < first then return end
    if at == open_at then
      open_count = open_count + count
    else
      close()
      open_at, open_count = at, count
    end
  end)
  close()
  if not open_at then return '' end
  if not counted then return pack('>I4', base) .. table.concat(parts) end
  local generation = is_counted(log) and generation_of(log) or now % 4294967296
  return begin_counted(generation, total, base) .. table.concat(parts)
end

-- Each form: what of a log is live, whether it has room, the log with one admission more.
local function read_exact(log, limit, window)
  local first, count = 0, floor((#log - EXACT) / 4)
  if count <= 0 then return { log = '', used = 0, room = true } end
  local base = base_of(log)
  local function at(index) return base + unpack('>I4', log, EXACT + 1 + 4 * index) end
  local blocking = count - limit
  if blocking >= 0 and at(blocking) > now - window then
    return { log = log, used = limit, room = false, reset = at(blocking) + window - now }
  end
  local high = count
  while first < high do
    local middle = floor((first + high) / 2)
    if at(middle) > now - window then high = middle else first = middle + 1 end
  end
  if first == count then return { log = '', used = 0, room = true } end
  local live = first == 0 and log or log:sub(1, EXACT) .. log:sub(EXACT + 1 + 4 * first)
  return { log = live, used = count - first, room = true, reset = at(first) + window - now }
end

local function admit_exact(log, tick)
  if log == '' then
    local base = floor(tick / 1000000)
    return pack('>I4I4', base, tick - base * 1000000)
  end
  local offset = tick - base_of(log)
  if offset > LARGEST_OFFSET then
    log = repack(log, false, tick, 0)
    offset = tick - base_of(log)
  end
  return log .. pack('>I4', offset)
end

local function read_counted(log, limit, window)
  if #log < COUNTED then return { log = '', used = 0, room = true } end
  local base, used, place = base_of(log), unpack('>I4', log, 6), COUNTED + 1
  while place < #log and base + unpack('>I4', log, place) <= now - window do
    used = used - unpack('>I4', log, place + 4)
    place = place + 8
  end
  if place > #log then return { log = '', used = 0, room = true } end
  local live = log
  if place > COUNTED + 1 then live = log:sub(1, 5) .. pack('>I4', used) .. log:sub(10, COUNTED) .. log:sub(place) end
  local slots, freed = max(1, used - limit + 1), 0
  repeat
    freed = freed + unpack('>I4', log, place + 4)
    place = place + 8
  until freed >= slots
  return { log = live, used = used, room = used < limit, reset = base + unpack('>I4', log, place - 8) + window - now }
end

local function admit_counted(log, tick)
  if log == '' then
    local base = floor(tick / 1000000)
    return begin_counted(now % 4294967296, 1, base) .. pack('>I4I4', tick - base * 1000000, 1)
  end
  local offset = tick - base_of(log)
  if offset > LARGEST_OFFSET then
    log = repack(log, true, tick, 0)
    offset = tick - base_of(log)
  end
  local head = log:sub(1, 5) .. pack('>I4', unpack('>I4', log, 6) + 1)
  if unpack('>I4', log, #log - 7) == offset then
    return head .. log:sub(10, #log - 4) .. pack('>I4', unpack('>I4', log, #log - 3) + 1)
  end
  return head .. log:sub(10) .. pack('>I4I4', offset, 1)
end

local not_after = tonumber(ARGV[2]) * ${DUE_UNIT}
if not_after > 0 and now > not_after then return { ${TOO_LATE}, now } end

local charges, denied = {}, 0
for number, key in ipairs(KEYS) do
  local limit, window = tonumber(ARGV[2 * number + 1]), tonumber(ARGV[2 * number + 2])
  local counted = limit > ${LARGEST_EXACT_LIMIT}
  local tick = tick_of(limit, window)
  local log, stepped = read_log(key), false
  if log ~= '' then
    stepped = base_of(log) + unpack('>I4', log, is_counted(log) and #log - 7 or #log - 3) > tick
    if stepped or is_counted(log) ~= counted then log = repack(log, counted, tick, now - window + 1) end
  end
  local charge = (counted and read_counted or read_exact)(log, limit, window)
  if not charge.room and denied == 0 then denied = number end
  charge.limit, charge.window, charge.counted, charge.tick, charge.stepped = limit, window, counted, tick, stepped
  charges[number] = charge
end

local reply = { denied, now }
for number, charge in ipairs(charges) do
  local log = charge.log
  if denied == 0 then
    log = (charge.counted and admit_counted or admit_exact)(log, charge.tick)
    charge.used = charge.used + 1
    charge.reset = charge.reset or charge.tick + charge.window - now
  end
  if log ~= '' and (denied == 0 or charge.stepped) then
    redis.call('SET', KEYS[number], log, 'PX', ceil((charge.window + charge.tick - now) / 1000))
  end
  reply[#reply + 1] = max(0, charge.limit - charge.used)
  reply[#reply + 1] = charge.reset or 0
  reply[#reply + 1] = is_counted(log) and generation_of(log) or 0
end
return reply
`;
