-- Remove exported items. One atomic step.
--
-- KEYS: 1 items
-- ARGV: 1 how many, the oldest first  2 the first of them  3 the last of them
-- Returns 1; 0 if other items are at these places, because somebody else removed some.

check_types({[KEYS[1]] = 'list'})
if redis.call('LINDEX', KEYS[1], 0) ~= ARGV[2] or redis.call('LINDEX', KEYS[1], ARGV[1] - 1) ~= ARGV[3] then
  return 0
end
redis.call('LTRIM', KEYS[1], ARGV[1], -1)
return 1
