-- Take away the items that were exported. One atomic step.
--
-- KEYS: 1 items
-- ARGV: 1 how many, from the oldest on  2 the first of them  3 the last of them
-- Returns 1, or 0 where others are at their places by now: somebody else has taken some away.

if redis.call('LINDEX', KEYS[1], 0) ~= ARGV[2] or redis.call('LINDEX', KEYS[1], ARGV[1] - 1) ~= ARGV[3] then
  return 0
end
redis.call('LTRIM', KEYS[1], ARGV[1], -1)
return 1
