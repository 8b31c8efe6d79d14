-- Show that this worker is alive, and give up workers whose time is over: their leases are ready again.
-- KEYS: WORKERS, IDLE, LEASED, META

local function give_up(name)
  local leased = call('HGETALL', LEASED)
  for i = 1, #leased, 2 do
    local holder, _, member = unpack_lease(leased[i + 1])
    if holder == name then
      put_back(leased[i], member)
    end
  end
  call('ZREM', WORKERS, name)
  call('ZREM', IDLE, name)
end

local lost = 0
if fell_back then
  -- The worker and this store disagree about its leases, and it may have left out links that this store has
  -- forgotten. All leases are given again under new tokens; the clock is ahead of all tokens, also of those of a
  -- crawl that was created again.
  lost = 2
  give_up(worker)
  token = math.max(token + 1e9, now * 1000)
elseif serial > 1 and not call('ZSCORE', WORKERS, worker) then
  lost = 1
  give_up(worker) -- does nothing after another worker did it; not so if Redis has lost the key
end
call('ZADD', WORKERS, now + lease_ms, worker)
for _, name in ipairs(call('ZRANGEBYSCORE', WORKERS, '-inf', '(' .. now)) do
  give_up(name)
  call('HINCRBY', META, 'workers_lost', 1)
end
