-- Write the state of a feed again, if Redis has lost it. One atomic step.
--
-- KEYS: 1 feeds  2 records of the feed
-- ARGV: 1 number  2 name  3 options  4 records written, as it was saved last  5 length  6 base
--       7 records that the worker knows of

check_types({[KEYS[1]] = 'hash', [KEYS[2]] = 'list'})

local function field(name)
  return ARGV[1] .. '.' .. name
end

if redis.call('HEXISTS', KEYS[1], field('name')) == 0 then
  local waiting = redis.call('LLEN', KEYS[2]) -- the latest ones
  local total = math.max(ARGV[4] + waiting, tonumber(ARGV[7]))
  redis.call('HSET', KEYS[1], field('name'), ARGV[2], field('options'), ARGV[3],
    field('length'), ARGV[5], field('base'), ARGV[6],
    field('total'), string.format('%d', total), field('written'), string.format('%d', total - waiting))
end
