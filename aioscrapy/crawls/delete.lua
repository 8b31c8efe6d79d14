-- Delete a crawl with all its keys, unless workers are alive. One atomic step.
--
-- KEYS: 1 current  2 crawls, both of the spider  3 workers  4 deleted; then every key of the crawl, meta first
-- ARGV: 1 id of the crawl  2 delete it even if workers are alive (1/0)
-- Returns {live workers, deleted keys}; the second is -1 if nothing was deleted.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local alive = redis.call('ZCOUNT', KEYS[3], now, '+inf')
if alive > 0 and ARGV[2] ~= '1' then
  return {alive, -1}
end
local unfinished = redis.call('HGET', KEYS[5], 'state') == 'open'
local deleted = 0
for i = 5, #KEYS do
  deleted = deleted + redis.call('UNLINK', KEYS[i])
end
if alive > 0 or unfinished then -- without the mark its workers, sleeping ones too, would create it again
  redis.call('SET', KEYS[4], now, 'EX', 86400)
end
redis.call('ZREM', KEYS[2], ARGV[1])
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
end
return {alive, deleted}
