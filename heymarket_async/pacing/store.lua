-- Tells the store what was answered late, and takes turns. All times are in ms, of the store's clock.
--
-- KEYS: sent   turn -> until when it weighs; one that is reserved is named after who waits for it
--       state  paused, spaced: until when nobody may send, and until when evenly
--              since: when this memory began; weighty: until when something weighs in `sent`
-- ARGV: window, grace, limit, who asks, how many turns it wants, number of the first, pause;
--       then what is new of earlier turns: name, ms since it was answered
-- Gives how many turns may be used now, after how long to ask again (0: no need), how long the pause
-- lasts, how many turns weigh, and when the memory began.
local sent, state = KEYS[1], KEYS[2]
local window, grace, limit = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local me, want, first, pause = ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local weighs = window + grace -- as long as its answer does not come later than that

local clock = redis.call('TIME')
local now = clock[1] * 1000 + clock[2] / 1000
-- A wrong number must not hold anybody up for good: ten minutes are the longest pause, and no turn
-- comes later than those before it make it, be it that the clock was set back.
local longest = now + math.max(600000, window) + window
redis.call('ZREMRANGEBYSCORE', sent,
  longest + (redis.call('ZCARD', sent) / limit + 2) * weighs, '+inf')
local function kept(name)
  local time = tonumber(redis.call('HGET', state, name) or 0) or 0
  return time <= longest and time or longest
end
local paused, spaced = kept('paused'), kept('spaced')
-- One key may be evicted without the other; both are gone when nobody has asked for two windows.
local since = kept('since')
if since == 0 or kept('weighty') > now and redis.call('ZCARD', sent) == 0 then since = now end
if pause > 0 then
  paused = math.max(paused, now + pause)
  spaced = paused + window
end

for place = 8, #ARGV, 2 do
  local name, age = ARGV[place], tonumber(ARGV[place + 1])
  redis.call('ZADD', sent, now - age + window, name)
end
redis.call('ZREMRANGEBYSCORE', sent, '-inf', now)

-- The next turn is when so many that came before weigh no more that one is free.
local function next_turn()
  local turn = now
  local before = redis.call('ZRANGE', sent, -limit, -limit, 'WITHSCORES')[2]
  if before then turn = math.max(turn, tonumber(before)) end
  if now < spaced then
    local last = redis.call('ZRANGE', sent, -1, -1, 'WITHSCORES')[2]
    turn = math.max(turn, paused, (last and tonumber(last) - weighs or 0) + window / limit)
  end
  return turn
end

local function take(name, turn) redis.call('ZADD', sent, turn + weighs, name) end

local granted, wait = 0, 0
local reserved = tonumber(redis.call('ZSCORE', sent, me) or 0) - weighs
redis.call('ZREM', sent, me)
if reserved > now and reserved >= paused and want > 0 then
  -- Asked before its time; it keeps its place, or gets a better one: a wrong pause may be gone.
  local turn = math.min(reserved, next_turn())
  if turn > now then
    take(me, turn)
    wait = turn - now
  end
end
if wait == 0 then
  -- A reserved turn that has come is used, unless earlier ones were answered late meanwhile.
  if want > 0 and reserved > 0 and now >= paused
    and redis.call('ZCOUNT', sent, '-inf', now + weighs) < limit then
    take(me .. ':' .. first, now)
    granted = 1
  end
  while granted < want and wait == 0 do
    local turn = next_turn()
    if turn > now then
      take(me, turn)
      wait = turn - now
    else
      take(me .. ':' .. first + granted, now)
      granted = granted + 1
    end
  end
end

local weighty = redis.call('ZRANGE', sent, -1, -1, 'WITHSCORES')[2] or 0
redis.call('HSET', state, 'paused', paused, 'spaced', spaced, 'since', since, 'weighty', weighty)
local keep = math.ceil(math.max(now, spaced) - now + 2 * weighs)
redis.call('PEXPIRE', sent, keep)
redis.call('PEXPIRE', state, keep)
local pause_left = math.ceil(math.max(0, paused - now))
return {granted, math.ceil(wait), pause_left, redis.call('ZCARD', sent), math.floor(since)}
