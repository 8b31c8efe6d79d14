-- News for the workers that wait: an entry in a stream of length 1, which they read with XREAD.

local function wake_workers(meta, wake)
  local cursor = redis.call('HINCRBY', meta, 'wake', 1)
  redis.call('XADD', wake, 'MAXLEN', 1, string.format('%d-1', cursor), 'n', cursor)
  return cursor
end
