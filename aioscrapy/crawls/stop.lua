-- Stop a crawl, or let it go on. One atomic step. Follows news.lua.
--
-- KEYS: 1 meta  2 wake
-- ARGV: 1 stop (1) or resume (0)
-- Returns 'stopped', 'resumed', 'unchanged'; 'finished' or 'gone' if the crawl is.

local META, WAKE = KEYS[1], KEYS[2]
check_types({[META] = 'hash', [WAKE] = 'stream'})
read_numbers(META, {'wake'})
local state = redis.call('HGET', META, 'state')
if state ~= 'open' then
  return state or 'gone'
end
local is_stopped = redis.call('HGET', META, 'stopped') == '1'
if is_stopped == (ARGV[1] == '1') then
  return 'unchanged'
end
if is_stopped then
  redis.call('HDEL', META, 'stopped')
  return 'resumed'
end
redis.call('HSET', META, 'stopped', 1)
wake_workers(META, WAKE)
return 'stopped'
