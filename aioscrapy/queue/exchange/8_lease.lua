-- Lease the wanted number of requests: the most urgent of the hosts that are not busy.
-- KEYS: LEASED, HOSTS, READY, SLOTS, RESTING

local AHEAD_MS = 1000 -- a turn at a host is leased at most this long before it begins
local leases, leased = {}, {}

local function lease(id, host, key, payload, member, start_ms)
  token = token + 1
  leased[#leased + 1] = id
  leased[#leased + 1] = pack_lease(worker, token, member)
  if per_host > 0 and id ~= '0' then
    call('HSET', SLOTS, 'a' .. host, slot_number('a' .. host, 0) + 1)
  end
  leases[#leases + 1] = {
    [LEASE.id] = tonumber(id), [LEASE.token] = token, [LEASE.host] = host, [LEASE.key] = key,
    [LEASE.payload] = payload, [LEASE.start_ms] = start_ms,
  }
end

-- For limits that the workers share: how many requests of this host may be leased now, and in how many ms they
-- may begin. A host that may not have any goes to rest.
local function turn(host, room)
  if per_host == 0 then
    return room, 0
  end
  room = math.min(room, per_host - slot_number('a' .. host, 0))
  if room <= 0 then
    rest(host, FULL)
    return 0, 0
  end
  local delay = slot_number('d' .. host, pace_ms)
  local begin = math.max(now, slot_number('n' .. host, 0))
  if begin > now + AHEAD_MS then
    rest(host, begin - AHEAD_MS)
    return 0, 0
  elseif delay <= 0 then
    return room, begin - now
  end
  if jitter == 1 then
    delay = delay * (0.5 + math.random())
  end
  call('HSET', SLOTS, 'n' .. host, string.format('%d', begin + delay))
  return 1, begin - now
end

-- Lease up to `room` requests of a host, as long as they are more urgent than `next_key`; returns how many.
local function lease_of_host(host, room, start_ms, next_key)
  local members, count, taken_out = members_of(READY, host, room + 1), 0, {}
  for i = 1, math.min(room, #members) do
    local key, payload = unpack_member_of(host, members[i])
    if key and count > 0 and key > next_key then
      break
    end
    taken_out[#taken_out + 1] = members[i]
    if key then
      count = count + 1
      -- The id of a request is its number of arrival.
      local id = order == 'lifo' and SEQUENCES - 1 - key or key % SEQUENCES
      lease(string.format('%d', id), host, key, payload, members[i], start_ms)
    else
      bury_damaged(members[i])
    end
  end
  call_with_all(taken_out, 'ZREM', READY)
  local head = members[#taken_out + 1]
  if head then
    call('ZADD', HOSTS, unpack_member_of(host, head) or 0, host)
  else
    call('ZREM', HOSTS, host) -- also if `ready` has lost its requests
  end
  return count
end

local skip, taken = {}, {} -- hosts of which no more is wanted; host -> requests leased now
for _, host in ipairs(busy) do
  skip[host] = true
end

local function lease_requests()
  local offset = 0
  while #leases < want do
    local next_hosts = call('ZRANGE', HOSTS, offset, offset + 1, 'WITHSCORES')
    local host = next_hosts[1]
    if not host then
      return
    end
    if skip[host] then
      offset = offset + 1
    else
      local room, start_ms = want - #leases, nil
      if cap > 0 then
        room = math.min(room, cap - (taken[host] or 0))
      end
      room, start_ms = turn(host, room)
      if room > 0 then
        local next_key = next_hosts[4] and tonumber(next_hosts[4]) or math.huge
        taken[host] = (taken[host] or 0) + lease_of_host(host, room, start_ms, next_key)
        if cap > 0 and taken[host] >= cap then
          skip[host] = true
        end
      end
    end
  end
end

if want > 0 and state == 'open' and not stopped then
  write_ready()
  if not seeded and call('HEXISTS', LEASED, '0') == 0 then
    lease('0', '', 0, '', '', 0)
  end
  lease_requests()
  call_with_all(leased, 'HSET', LEASED)
  leased = {}
  if #leases < want and repair() then
    lease_requests()
    call_with_all(leased, 'HSET', LEASED)
  end
end
