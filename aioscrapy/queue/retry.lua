-- Put dead letters back to their old places in the order; a crawl that had finished is open again.
-- One atomic step for each piece of the hash, so that a million of them don't hold up the workers.
--
-- KEYS: 1 meta  2 failed  3 ready  4 hosts  5 resting  6 wake; behind them every key of the crawl
-- ARGV: 1 cursor of HSCAN, 0 at first  2 about how many in this piece
-- Returns {cursor of the next piece, 0 behind the last; how many were put back; 1 where it had finished}.

local META, FAILED, READY, HOSTS, RESTING, WAKE = unpack(KEYS, 1, 6)
local call = redis.call
local cursor, letters = unpack(call('HSCAN', FAILED, ARGV[1], 'COUNT', ARGV[2]))

for i = 1, #letters, 2 do
  local member = cmsgpack.unpack(letters[i + 1])[2]
  local host, key = string.match(member, '^([^\n]*)\n(' .. string.rep('%x', 14) .. ')')
  call('HDEL', FAILED, letters[i])
  call('ZADD', READY, 0, member)
  if not call('ZSCORE', RESTING, host) then
    call('ZADD', HOSTS, 'LT', tonumber(key, 16), host)
  end
end

local count, was_finished = #letters / 2, 0
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
  -- The news at which idle workers ask: as in exchange.lua.
  local news = call('HINCRBY', META, 'wake', 1)
  call('XADD', WAKE, 'MAXLEN', 1, string.format('%d-1', news), 'n', news)
  call('PERSIST', WAKE)
end
return {cursor, count, was_finished}
