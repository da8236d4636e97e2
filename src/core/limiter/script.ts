// The script that decides charges in Redis, by the arithmetic of window.ts.

import { LARGEST_EXACT_LIMIT, SUB_WINDOWS } from "./window.ts";

export const TOO_LATE = -1;

/**
 * Decides all charges of a call in one step: all are admitted and written, or none.
 *
 * KEYS: a log for each charge; then the clock's offset, if its steps are checked.
 *
 * ARGV: the time in microseconds, or `redis` for TIME plus the offset; the latest possible time, or 0 for no check; the
 * milliseconds that Redis keeps a log past its window; then limit and window (microseconds) of each charge.
 *
 * Reply, all integers: the number of the first denied charge (0: none; TOO_LATE: the time is impossible and nothing was
 * decided); the time; then after TOO_LATE the offset, else for each charge the admissions left and the microseconds until the
 * next slot is freed.
 *
 * A log is big-endian and oldest first: 4 bytes of base (Unix seconds), then for each entry 4 bytes of microseconds since then
 * and 2 bytes of count. An hour's window fits into the 71 minutes of an offset.
 */
export const CHARGE_SCRIPT = `
local unpack, pack, floor, ceil, max, min = struct.unpack, struct.pack, math.floor, math.ceil, math.max, math.min
local BASE, ENTRY, LARGEST_COUNT, LARGEST_OFFSET = 4, 6, 65535, 4294967295

local now, latest, extra = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end
if latest > 0 then
  local offset = tonumber(redis.call('GET', KEYS[#KEYS]) or 0)
  now = now + offset
  if now > latest then return { ${TOO_LATE}, now, offset } end
end

local function base_of(log) return unpack('>I4', log) * 1000000 end
local function entry_at(log, position)
  local offset, count = unpack('>I4I2', log, position)
  return base_of(log) + offset, count
end

-- Packs a log again: entries at the tick or ahead of it become one at the tick. The base is the first entry's.
local function repack(log, tick)
  local parts, base, last = {}, nil, 0
  for position = BASE + 1, #log, ENTRY do
    local at, count = entry_at(log, position)
    if at >= tick then
      last = last + count
    else
      base = base or floor(at / 1000000)
      parts[#parts + 1] = pack('>I4I2', at - base * 1000000, count)
    end
  end
  base = base or floor(tick / 1000000)
  while last > 0 do
    parts[#parts + 1] = pack('>I4I2', tick - base * 1000000, min(last, LARGEST_COUNT))
    last = last - LARGEST_COUNT
  end
  return pack('>I4', base) .. table.concat(parts)
end

local function read(key, limit, window)
  local quantum = limit > ${LARGEST_EXACT_LIMIT} and ceil(window / ${SUB_WINDOWS}) or 1
  local tick = ceil(now / quantum) * quantum
  local log, stepped = redis.call('GET', key) or '', false
  if log ~= '' and (#log < BASE + ENTRY or (#log - BASE) % ENTRY ~= 0) then error('WRONGTYPE ' .. key .. ' holds no log') end
  if log ~= '' and entry_at(log, #log - ENTRY + 1) > tick then log, stepped = repack(log, tick), true end

  local first = BASE + 1
  while first < #log and entry_at(log, first) <= now - window do first = first + ENTRY end
  if first > #log then log = '' elseif first > BASE + 1 then log = log:sub(1, BASE) .. log:sub(first) end
  local used, left, reset = 0, 0, 0
  for position = BASE + 1, #log, ENTRY do used = used + unpack('>I2', log, position + 4) end
  local leaving, position = max(1, used - limit + 1), BASE + 1
  while left < leaving and position < #log do
    local at, count = entry_at(log, position)
    left, reset, position = left + count, at + window - now, position + ENTRY
  end
  return { key = key, log = log, tick = tick, stepped = stepped, limit = limit, window = window, used = used, reset = reset }
end

local function write(charge, log)
  redis.call('SET', charge.key, log, 'PX', extra + ceil((charge.window + charge.tick - now) / 1000))
end

local function admit(charge)
  local log, tick = charge.log, charge.tick
  charge.used = charge.used + 1
  if log == '' then
    charge.reset = tick + charge.window - now
    local base = floor(tick / 1000000)
    return write(charge, pack('>I4I4I2', base, tick - base * 1000000, 1))
  end
  if tick - base_of(log) > LARGEST_OFFSET then log = repack(log, tick) end
  local newest, count = entry_at(log, #log - ENTRY + 1)
  if newest == tick and count < LARGEST_COUNT then
    return write(charge, log:sub(1, -3) .. pack('>I2', count + 1))
  end
  write(charge, log .. pack('>I4I2', tick - base_of(log), 1))
end

local charges, denied = {}, 0
for number = 1, (#ARGV - 3) / 2 do
  local charge = read(KEYS[number], tonumber(ARGV[2 * number + 2]), tonumber(ARGV[2 * number + 3]))
  if charge.used >= charge.limit and denied == 0 then denied = number end
  charges[number] = charge
end

local reply = { denied, now }
for _, charge in ipairs(charges) do
  if denied == 0 then admit(charge) elseif charge.stepped then write(charge, charge.log) end
  reply[#reply + 1] = max(0, charge.limit - charge.used)
  reply[#reply + 1] = charge.reset
end
return reply
`;
