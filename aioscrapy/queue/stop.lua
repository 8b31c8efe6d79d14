-- Stop a crawl, or take that back. One atomic step.
--
-- KEYS: 1 meta  2 wake
-- ARGV: 1 stop (1) or resume (0)
-- Returns 'stopped', 'resumed', 'as it was', or 'finished' or 'gone' where the crawl is.

local META, WAKE = KEYS[1], KEYS[2]
local state = redis.call('HGET', META, 'state')
if state ~= 'open' then
  return state or 'gone'
end
local is_stopped = redis.call('HGET', META, 'stopped') == '1'
if is_stopped == (ARGV[1] == '1') then
  return 'as it was'
end
if is_stopped then
  redis.call('HDEL', META, 'stopped')
  return 'resumed'
end
redis.call('HSET', META, 'stopped', 1)
-- The news at which idle workers ask, and learn that they are to end: as in exchange.lua.
local cursor = redis.call('HINCRBY', META, 'wake', 1)
redis.call('XADD', WAKE, 'MAXLEN', 1, string.format('%d-1', cursor), 'n', cursor)
return 'stopped'
