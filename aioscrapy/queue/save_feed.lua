-- Save the progress of a feed, or forget a feed that has no records left. One atomic step.
--
-- KEYS: 1 feeds  2 records of the feed
-- ARGV: 1 number  2 records written  3 length of the file, in bytes; -1: forget it  4 worker  5 base, or ''
--       6 options with the file that begins, or ''
-- Returns 1; 0 if Redis does not know the feed.

check_types({[KEYS[1]] = 'hash', [KEYS[2]] = 'list'})
local number, written, length = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
check_feed(KEYS[1], number)
if length < 0 then
  local counts = redis.call('HMGET', KEYS[1], number .. '.total', number .. '.written')
  if tonumber(counts[1] or 0) == tonumber(counts[2] or 0) then
    for _, field in ipairs({'name', 'options', 'total', 'written', 'length', 'base', 'owner'}) do
      redis.call('HDEL', KEYS[1], number .. '.' .. field)
    end
  end
  return 1
end
if redis.call('HEXISTS', KEYS[1], number .. '.name') == 0 then
  return 0
end
save_feed(KEYS[1], KEYS[2], number, written, length, ARGV[4])
if ARGV[5] ~= '' then
  redis.call('HSET', KEYS[1], number .. '.base', ARGV[5])
end
if ARGV[6] ~= '' then
  redis.call('HSET', KEYS[1], number .. '.options', ARGV[6])
end
return 1
