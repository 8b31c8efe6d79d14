-- Create a crawl again that this Redis has forgotten altogether. All its workers ask; the first creates it.
-- One atomic step.
--
-- KEYS: 1 current  2 crawls, both of the spider  3 meta  4 deleted; behind them all other keys of the crawl but items
-- ARGV: 1 id of the crawl  2 named (1/0)  3 keep the filter (1/0)
-- Returns 1; 0 if it was deleted, has expired, or if Redis has forgotten only some of its keys.

if redis.call('HGET', KEYS[3], 'state') then
  return 1
end
if redis.call('EXISTS', KEYS[4]) == 1 or redis.call('ZSCORE', KEYS[2], ARGV[1]) then
  return 0
end
for i = 5, #KEYS do
  if redis.call('EXISTS', KEYS[i]) == 1 then
    return 0
  end
end
check_types({[KEYS[1]] = 'string', [KEYS[2]] = 'zset', [KEYS[3]] = 'hash'})
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[3], 'state', 'open', 'created', now, 'seq', 0, 'token', 0, 'kept', ARGV[3])
redis.call('ZADD', KEYS[2], now, ARGV[1])
if ARGV[2] ~= '1' then
  redis.call('SET', KEYS[1], ARGV[1], 'NX')
end
return 1
