-- Find the crawl to work in, or create it. One atomic step.
--
-- KEYS: 1 current   string: id of the spider's current crawl (unused if the crawl is named)
--       2 crawls    zset: id of every crawl -> time of its creation in ms
--       3 old meta  hash: of the crawl that `current` named when the caller looked, or of the named one
--       4 new meta  hash: of the crawl to create, if one must be
--       5 workers   zset: live workers of the old crawl
--       6 deleted   string: a crawl with the id of the new one was deleted before its end
-- ARGV: 1 id of the old crawl ('' if there is none)  2 id of the new one  3 named (1/0)  4 fresh (1/0)
--       5 flush (1/0)  6 join window in ms  7 keep the filter (1/0)
-- Returns {answer, id}: 'joined', 'created', 'late' (with ms since its end), 'finished'; 'again' if another worker
-- was quicker and the caller must look again.

local old, new, named = ARGV[1], ARGV[2], ARGV[3] == '1'
local fresh, flush = ARGV[4] == '1', ARGV[5] == '1'
check_types({
  [KEYS[1]] = 'string', [KEYS[2]] = 'zset', [KEYS[3]] = 'hash', [KEYS[4]] = 'hash', [KEYS[5]] = 'zset',
})
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

if not named and (redis.call('GET', KEYS[1]) or '') ~= old then
  return {'again', ''}
end

if old ~= '' then
  local meta = redis.call('HMGET', KEYS[3], 'state', 'finished_at')
  if meta[1] == 'open' then
    local alive = redis.call('ZCOUNT', KEYS[5], now, '+inf')
    if not (fresh and not named) and not (flush and alive == 0) then
      return {'joined', old}
    end
  elseif meta[1] == 'finished' and not fresh then
    if named then
      return {'finished', old}
    end
    local ago = now - (read_numbers(KEYS[3], {'finished_at'}).finished_at or 0)
    if ago < tonumber(ARGV[6]) then
      return {'late', old, ago}
    end
  end
end

redis.call('DEL', KEYS[4], KEYS[6])
redis.call('HSET', KEYS[4], 'state', 'open', 'created', now, 'seq', 0, 'token', 0, 'kept', ARGV[7])
redis.call('ZADD', KEYS[2], now, new)
if not named then
  redis.call('SET', KEYS[1], new)
end
return {'created', new}
