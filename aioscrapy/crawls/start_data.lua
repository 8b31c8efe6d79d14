-- Move one start datum of another program into the frontier, as requests.
-- KEYS: the list, set or sorted set of the other program; the stream `push` of the spider
-- ARGV: the datum, then for each request its JSON and its fingerprint ("": the filter is not asked)
-- Returns 1 if the datum was there, 0 if another worker has moved it.
check_types({[KEYS[2]] = 'stream'})
local kind = redis.call('TYPE', KEYS[1]).ok
local removed = 0
if kind == 'list' then
  removed = redis.call('LREM', KEYS[1], 1, ARGV[1])
elseif kind == 'set' then
  removed = redis.call('SREM', KEYS[1], ARGV[1])
elseif kind == 'zset' then
  removed = redis.call('ZREM', KEYS[1], ARGV[1])
end
if removed == 1 then
  for i = 2, #ARGV, 2 do
    if ARGV[i + 1] == '' then
      redis.call('XADD', KEYS[2], '*', 'request', ARGV[i])
    else
      redis.call('XADD', KEYS[2], '*', 'request', ARGV[i], 'fingerprint', ARGV[i + 1])
    end
  end
end
return removed
