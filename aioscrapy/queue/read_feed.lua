-- Return records of a feed that its file lacks.
--
-- KEYS: 1 feeds  2 records of the feed
-- ARGV: 1 number  2 position of the first  3 position behind the last, both counted from the begin of the crawl

check_types({[KEYS[1]] = 'hash', [KEYS[2]] = 'list'})
local field = ARGV[1] .. '.written'
local written = read_numbers(KEYS[1], {field})[field] or 0
return redis.call('LRANGE', KEYS[2], ARGV[2] - written, ARGV[3] - written - 1)
