-- Takes the client's report of earlier turns, and gives new ones. All times are in ms, by the store's
-- clock.
--
-- KEYS: sent   turn -> until when it weighs; a reserved turn has the name of the client that waits
--       state  paused, spaced: until when no call may be sent, and until when calls are spaced evenly
--              since: when this memory began; weighty: until when a turn in `sent` weighs
-- ARGV: window, grace, limit, name of the client, how many turns it wants, number of the first, pause;
--       then the changes of earlier turns: name, ms since the answer
-- Returns how many turns may be used now, after how long to ask again (0: no need), how long the pause
-- lasts, how many turns weigh, when the memory began, and the time now in microseconds.
local sent, state = KEYS[1], KEYS[2]
local window, grace, limit = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local me, want, first, pause = ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local weighs = window + grace -- as long as its answer does not come later than that

local clock = redis.call('TIME')
local now = clock[1] * 1000 + clock[2] / 1000
-- A wrong number, or a clock that was set back, must not delay calls for good. Ten minutes are the
-- longest pause, and no turn may come later than the turns before it make it.
local longest = now + math.max(600000, window) + window
redis.call('ZREMRANGEBYSCORE', sent,
  longest + (redis.call('ZCARD', sent) / limit + 2) * weighs, '+inf')
local function kept(name)
  local time = tonumber(redis.call('HGET', state, name) or 0) or 0
  return time <= longest and time or longest
end
local paused, spaced = kept('paused'), kept('spaced')
-- One key may be evicted without the other. Both expire if no client asks for two windows.
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

-- The next turn comes when so few of the earlier turns still weigh that one is free.
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
  -- The client asks early. It keeps its place, or gets a better one: a wrong pause may be gone.
  local turn = math.min(reserved, next_turn())
  if turn > now then
    take(me, turn)
    wait = turn - now
  end
end
if wait == 0 then
  -- Use a reserved turn that has come, unless earlier ones were answered late meanwhile.
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
local pause_left, weighing = math.ceil(math.max(0, paused - now)), redis.call('ZCARD', sent)
return {granted, math.ceil(wait), pause_left, weighing, math.floor(since), math.floor(now * 1000)}
