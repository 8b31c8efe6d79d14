-- Call every command of the frontier once, on a key of its own, which is gone at the end. One atomic step.
--
-- KEYS: 1 probe
-- Returns the key, then the names of the commands that this user or server refuses; 'ZADD LT' before Redis 6.2.

local key = KEYS[1]
local calls = {
  {'TYPE', key}, {'EXISTS', key}, {'GET', key}, {'SET', key, 1, 'EX', 60}, {'DEL', key}, {'UNLINK', key}, {'TIME'},
  {'HSET', key, 'a', 1}, {'HSETNX', key, 'a', 1}, {'HGET', key, 'a'}, {'HMGET', key, 'a'}, {'HGETALL', key},
  {'HLEN', key}, {'HEXISTS', key, 'a'}, {'HINCRBY', key, 'a', 1}, {'HDEL', key, 'a'},
  {'ZADD', key, 'LT', 1, 'a'}, {'ZCARD', key}, {'ZSCORE', key, 'a'}, {'ZCOUNT', key, 0, 1}, {'ZRANGE', key, 0, 0},
  {'ZRANGEBYSCORE', key, 0, 1}, {'ZRANGEBYLEX', key, '-', '+'}, {'ZREM', key, 'a'},
  {'XADD', key, '1-1', 'a', 1}, {'XLEN', key}, {'XRANGE', key, '-', '+'}, {'XREAD', 'STREAMS', key, '0-0'},
  {'XDEL', key, '1-1'}, {'UNLINK', key}, {'RPUSH', key, 1}, {'LRANGE', key, 0, 0}, {'LTRIM', key, 1, 0},
  {'SADD', key, 'a'}, {'SCARD', key}, {'UNLINK', key}, {'BITFIELD', key, 'GET', 'u1', 0}, {'STRLEN', key},
  {'GETRANGE', key, 0, 0}, {'PEXPIRE', key, 1}, {'UNLINK', key},
}
local answer, known = {key}, {}
for _, arguments in ipairs(calls) do
  local reply = redis.pcall(unpack(arguments))
  local problem = type(reply) == 'table' and reply.err or ''
  local name = arguments[1] == 'ZADD' and string.find(problem, 'syntax') and 'ZADD LT'
  if string.find(problem, 'ermission') or string.find(problem, "can't run") or string.find(problem, '[Uu]nknown') then
    name = arguments[1]
  end
  if name and not known[name] then
    known[name] = true
    answer[#answer + 1] = name
  end
end
return answer
