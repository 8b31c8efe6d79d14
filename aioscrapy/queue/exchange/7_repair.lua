-- Repair what a Redis that has lost keys leaves behind, so that no request waits for ever: a host that is missing in
-- `hosts`, a lease of a worker that is missing in `workers`. Called when a worker finds too little; some work at most
-- once a second.
-- KEYS: READY, HOSTS, RESTING, LEASED, WORKERS, META

-- Look at the next 1000 hosts that have ready requests.
local function repair_hosts(after)
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

local function repair_leases()
  local alive, leased = {}, call('HGETALL', LEASED)
  for i = 1, #leased, 2 do
    local holder, _, member = unpack_lease(leased[i + 1])
    if alive[holder or ''] == nil then
      alive[holder or ''] = call('ZSCORE', WORKERS, holder or '') and true or false
    end
    if not alive[holder or ''] then
      put_back(leased[i], member)
    end
  end
end

-- Returns true if something was found to repair.
local function repair()
  local before = news
  local next_at, leases_at, after = unpack(call('HMGET', META, 'repair_at', 'repair_leases_at', 'repair_after'))
  if now < tonumber(next_at or 0) then
    return false
  end
  call('HSET', META, 'repair_at', now + 1000, 'repair_after', repair_hosts(after or ''))
  if now >= tonumber(leases_at or 0) then
    call('HSET', META, 'repair_leases_at', now + lease_ms)
    repair_leases()
    write_ready()
  end
  return news > before
end
