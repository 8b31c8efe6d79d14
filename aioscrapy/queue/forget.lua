-- Remove the ids of crawls of which nothing is left. One atomic step.
--
-- KEYS: 1 crawls, of the spider; then meta and items of every id
-- ARGV: the ids

for i, id in ipairs(ARGV) do
  if redis.call('EXISTS', KEYS[2 * i], KEYS[2 * i + 1]) == 0 then
    redis.call('ZREM', KEYS[1], id)
  end
end
return 1
