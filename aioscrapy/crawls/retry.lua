-- Put dead letters back to their old places in the order; a finished crawl is open again.
-- One atomic step for each piece of the hash, so that a million letters don't block the server.
-- Follows member.lua and news.lua.
--
-- KEYS: 1 meta  2 failed  3 ready  4 hosts  5 resting  6 wake; then every key of the crawl
-- ARGV: 1 cursor of HSCAN, 0 at first  2 about how many letters in this piece
-- Returns {cursor of the next piece, 0 after the last; letters put back; 1 if the crawl had finished}.

local META, FAILED, READY, HOSTS, RESTING, WAKE = unpack(KEYS, 1, 6)
local call = redis.call
check_types({
  [META] = 'hash', [FAILED] = 'hash', [READY] = 'zset', [HOSTS] = 'zset', [RESTING] = 'zset', [WAKE] = 'stream',
})
read_numbers(META, {'failed', 'wake'})
local cursor, letters = unpack(call('HSCAN', FAILED, ARGV[1], 'COUNT', ARGV[2]))

local count, was_finished = 0, 0
for i = 1, #letters, 2 do
  local is_whole, letter = pcall(cmsgpack.unpack, letters[i + 1])
  local member = is_whole and type(letter) == 'table' and letter[2]
  local host, key = unpack_member(type(member) == 'string' and member or '')
  if host then -- a damaged letter stays
    call('HDEL', FAILED, letters[i])
    call('ZADD', READY, 0, member)
    if not call('ZSCORE', RESTING, host) then
      call('ZADD', HOSTS, 'LT', key, host)
    end
    count = count + 1
  end
end

if count > 0 then
  call('HINCRBY', META, 'failed', -count)
  if call('HGET', META, 'state') == 'finished' then
    was_finished = 1
    call('HSET', META, 'state', 'open')
    call('HDEL', META, 'finished_at')
    for i = 7, #KEYS do
      call('PERSIST', KEYS[i])
    end
  end
  wake_workers(META, WAKE)
  call('PERSIST', WAKE)
end
return {cursor, count, was_finished}
