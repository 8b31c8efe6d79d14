-- Register a feed, or write its state again if Redis has lost it. One atomic step.
--
-- KEYS: 1 feeds  2 records of the feed  3 meta of the crawl
-- ARGV: 1 number  2 name  3 options; for a state to write again: 4 records written, as it was saved last  5 length
--       6 base  7 records that the worker knows of
-- Returns the fields of all feeds; nothing if the crawl has finished without this feed: its file is complete.

check_types({[KEYS[1]] = 'hash', [KEYS[2]] = 'list', [KEYS[3]] = 'hash'})

local function field(name)
  return ARGV[1] .. '.' .. name
end

if redis.call('HEXISTS', KEYS[1], field('name')) == 0 then
  if ARGV[4] then
    local waiting = redis.call('LLEN', KEYS[2]) -- the latest ones
    local total = math.max(ARGV[4] + waiting, tonumber(ARGV[7]))
    redis.call('HSET', KEYS[1], field('length'), ARGV[5], field('base'), ARGV[6],
      field('total'), string.format('%d', total), field('written'), string.format('%d', total - waiting))
  elseif redis.call('HGET', KEYS[3], 'state') == 'finished' then
    return {}
  end
  redis.call('HSET', KEYS[1], field('name'), ARGV[2], field('options'), ARGV[3])
end
return redis.call('HGETALL', KEYS[1])
