-- Repair what a Redis that has lost keys leaves behind, so that no request waits for ever: a host that is missing in
-- `hosts`, a lease of a worker that is missing in `workers`, a host that rests although its leases are missing.
-- Called when a worker finds too little; works at most once a second.
-- KEYS: READY, HOSTS, RESTING, LEASED, DELAYED, WORKERS, SLOTS, META

-- Look at the next 1000 hosts that have ready requests.
local function repair_hosts(after)
  for _, range in ipairs({{'-inf', '(0'}, {'(0', '+inf'}}) do
    for _, member in ipairs(call('ZRANGEBYSCORE', READY, range[1], range[2], 'LIMIT', 0, 1000)) do
      call('ZADD', READY, 0, member) -- ranges of names need equal scores
    end
  end
  local from = after == '' and '-' or '(' .. after .. '\11'
  for _ = 1, 1000 do
    local member = call('ZRANGEBYLEX', READY, from, '+', 'LIMIT', 0, 1)[1]
    if not member then
      return ''
    end
    local host, key = unpack_member(member)
    if not host then
      call('ZREM', READY, member)
      bury_damaged(member)
      from = '(' .. member
    else
      if not call('ZSCORE', HOSTS, host) and not call('ZSCORE', RESTING, host) then
        call('ZADD', HOSTS, key, host)
        news = news + 1
      end
      after, from = host, '(' .. host .. '\11'
    end
  end
  return after
end

-- Put back the leases of unknown workers; returns the number of leases of each host.
local function repair_leases()
  local alive, under_way, all_leased = {}, {}, call('HGETALL', LEASED)
  for i = 1, #all_leased, 2 do
    local holder, _, member = unpack_lease(all_leased[i + 1])
    holder = holder or ''
    if alive[holder] == nil then
      alive[holder] = call('ZSCORE', WORKERS, holder) and true or false
    end
    if not alive[holder] then
      put_back(all_leased[i], member)
    else
      local host = unpack_member(member)
      if host then
        under_way[host] = (under_way[host] or 0) + 1
      end
    end
  end
  return under_way
end

-- A request that waits for a time that never comes is due now.
local function repair_delayed()
  for _, member in ipairs(call('ZRANGEBYSCORE', DELAYED, FULL, '+inf', 'LIMIT', 0, 1000)) do
    call('ZADD', DELAYED, 0, member)
  end
end

local function repair_slots(under_way)
  for _, host in ipairs(call('ZRANGEBYSCORE', RESTING, FULL, '+inf', 'LIMIT', 0, 1000)) do
    local count = under_way[host] or 0
    if per_host == 0 or count < per_host then
      call('HSET', SLOTS, 'a' .. host, count)
      end_rest(host)
    end
  end
end

-- Returns true if something was found to repair.
local function repair()
  local before = news
  if now < (counters.repair_at or 0) then
    return false
  end
  local after = call('HGET', META, 'repair_after') or ''
  call('HSET', META, 'repair_at', now + 1000, 'repair_after', repair_hosts(after))
  if now >= (counters.repair_leases_at or 0) then
    call('HSET', META, 'repair_leases_at', now + lease_ms)
    repair_slots(repair_leases())
    repair_delayed()
    write_ready()
  end
  return news > before
end
