-- The page commit: everything that changes a crawl, in one atomic step and one round trip.
-- Behind the duplicate filter's own script, which defines `mark(fingerprint)` (true where it was new)
-- and `marked()` (called once, at the end).
--
-- KEYS and what they hold: docs/redis.md. ARGV[1] is a MessagePack array, see the names below.

local META, READY, HOSTS, LEASED, DELAYED = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local WORKERS, IDLE, REPLIES, WAKE, ITEMS, FAILED, SEEDS = KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10], KEYS[11], KEYS[12]

local call = redis.call
local worker, serial, lease_ms, want, cap, may_finish, order, busy, pages, keep_ms, leave =
  unpack(cmsgpack.unpack(ARGV[1]), 1, 11)

-- A call that was repeated because its answer got lost: the same answer again.
local known = call('HGET', REPLIES, worker)
if known then
  local of = struct.unpack('>I4', known)
  if of == serial then
    return string.sub(known, 5)
  end
end

local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local state = call('HGET', META, 'state')
if not state then
  return cmsgpack.pack({{}, {}, 'gone', 0, 0, -1, 0, 0})
end

local seq = tonumber(call('HGET', META, 'seq'))
local news = 0 -- requests that others could take now
local filtered, done, failed, stored, refused = 0, 0, 0, 0, 0

local function make_ready(host, key, payload)
  call('ZADD', READY, 0, host .. '\n' .. string.format('%014x', key) .. payload)
  call('ZADD', HOSTS, 'LT', key, host)
  news = news + 1
end

local function push(host, base, payload, delay_ms)
  seq = seq + 1
  local key = base + seq
  if order == 'lifo' then
    key = 4294967295 - seq
  end
  if delay_ms > 0 then
    call('ZADD', DELAYED, now + delay_ms, host .. '\n' .. string.format('%014x', key) .. payload)
  else
    make_ready(host, key, payload)
  end
end

-- A lease is stored as worker \n token \n host \n key payload; the seeding lease has no host.
local function put_back(id, value)
  call('HDEL', LEASED, id)
  if id ~= '0' then
    local host, key, payload = string.match(value, '^[^\n]*\n[^\n]*\n([^\n]*)\n(' .. string.rep('%x', 14) .. ')(.*)$')
    make_ready(host, tonumber(key, 16), payload)
  else
    news = news + 1
  end
end

local function give_up(dead)
  local leased = call('HGETALL', LEASED)
  local prefix = dead .. '\n'
  for i = 1, #leased, 2 do
    if string.sub(leased[i + 1], 1, #prefix) == prefix then
      put_back(leased[i], leased[i + 1])
    end
  end
  call('ZREM', WORKERS, dead)
  call('ZREM', IDLE, dead)
end

-- 1. Signs of life: ours first, then those that others don't give any more.
local lost = 0
if serial > 1 and not call('ZSCORE', WORKERS, worker) then
  lost = 1
end
call('ZADD', WORKERS, now + lease_ms, worker)
for _, dead in ipairs(call('ZRANGEBYSCORE', WORKERS, '-inf', '(' .. now)) do
  give_up(dead)
  call('HINCRBY', META, 'workers_lost', 1)
end

-- 2. Commit the pages.
local accepted = {}
for i, page in ipairs(pages) do
  local id, token, kind, entries, items, failure = unpack(page, 1, 6)
  local field = string.format('%d', id)
  local value = id >= 0 and call('HGET', LEASED, field)
  local held = id < 0
  if value then
    local prefix = worker .. '\n' .. string.format('%d', token) .. '\n'
    held = string.sub(value, 1, #prefix) == prefix
  end
  accepted[i] = held and 1 or 0
  if not held then
    refused = refused + 1
  elseif kind == 2 then
    put_back(field, value)
  else
    local kept = id == 0 and call('HGET', META, 'kept') == '1'
    for _, entry in ipairs(entries) do
      local host, base, fingerprint, payload, delay_ms = unpack(entry, 1, 5)
      local new = fingerprint == ''
      if not new then
        new = mark(fingerprint)
        if kept then
          new = call('SADD', SEEDS, fingerprint) == 1
        end
      end
      if new then
        push(host, base, payload, delay_ms)
      else
        filtered = filtered + 1
      end
    end
    for _, item in ipairs(items) do
      call('RPUSH', ITEMS, item)
      stored = stored + 1
    end
    if kind == 0 and id >= 0 then
      call('HDEL', LEASED, field)
      if id == 0 then
        call('HSET', META, 'seeded', 1)
      elseif failure ~= '' then
        failed = failed + 1
        call('HSET', FAILED, field, cmsgpack.pack({failure, string.match(value, '^[^\n]*\n[^\n]*\n(.*)$')}))
      else
        done = done + 1
      end
    end
  end
end

-- 3. Delayed requests that are due.
for _, member in ipairs(call('ZRANGEBYSCORE', DELAYED, '-inf', now, 'LIMIT', 0, 1000)) do
  local host, key, payload = string.match(member, '^([^\n]*)\n(' .. string.rep('%x', 14) .. ')(.*)$')
  call('ZREM', DELAYED, member)
  make_ready(host, tonumber(key, 16), payload)
end

-- 4. Lease what is wanted: the most urgent of the hosts that are not busy.
local leases = {}
local function lease(id, host, key, payload, stored_as)
  local token = call('HINCRBY', META, 'token', 1)
  call('HSET', LEASED, id, worker .. '\n' .. string.format('%d', token) .. '\n' .. stored_as)
  leases[#leases + 1] = {tonumber(id), token, host, key, payload}
end

local stopped = call('HGET', META, 'stopped') == '1'
if want > 0 and state == 'open' and not stopped then
  if call('HEXISTS', META, 'seeded') == 0 and call('HEXISTS', LEASED, '0') == 0 then
    lease('0', '', 0, '', '')
  end
  local skip, taken = {}, {}
  for _, host in ipairs(busy) do
    skip[host] = true
  end
  local offset = 0
  while #leases < want do
    local heads = call('ZRANGE', HOSTS, offset, offset + 1, 'WITHSCORES')
    local host = heads[1]
    if not host then
      break
    end
    if skip[host] then
      offset = offset + 1
    else
      local room = want - #leases
      if cap > 0 then
        room = math.min(room, cap - (taken[host] or 0))
      end
      -- As many of this host as are more urgent than the next host's head.
      local limit = heads[4] and tonumber(heads[4]) or math.huge
      local members = call('ZRANGEBYLEX', READY, '[' .. host .. '\n', '(' .. host .. '\11', 'LIMIT', 0, room + 1)
      local n = 0
      for i = 1, math.min(room, #members) do
        local at = #host + 2
        local key = tonumber(string.sub(members[i], at, at + 13), 16)
        if n > 0 and key > limit then
          break
        end
        n = n + 1
        call('ZREM', READY, members[i])
        -- The id of a request is its number in the order of arrival.
        local id = order == 'lifo' and 4294967295 - key or key % 4294967296
        lease(string.format('%d', id), host, key, string.sub(members[i], at + 14), members[i])
      end
      taken[host] = (taken[host] or 0) + n
      local head = members[n + 1]
      if head then
        call('ZADD', HOSTS, tonumber(string.sub(head, #host + 2, #host + 15), 16), host)
        if cap > 0 and taken[host] >= cap then
          skip[host] = true
        end
      else
        call('ZREM', HOSTS, host)
      end
    end
  end
end

-- 5. Leaving: what this worker still holds is for others.
if leave == 1 then
  give_up(worker)
end

-- 6. Is the crawl over?
local waiting = call('ZCARD', READY)
local open = call('HLEN', LEASED) + waiting + call('ZCARD', DELAYED)
local over = state == 'open' and open == 0 and call('HEXISTS', META, 'seeded') == 1
if over and may_finish == 1 then
  state = 'finished'
  call('HSET', META, 'state', state, 'finished_at', now)
elseif over then
  state = 'idle'
end
if stopped and state ~= 'finished' then
  state = 'stopped'
end

-- 7. Book-keeping, and the news for workers that wait.
call('HSET', META, 'seq', string.format('%d', seq))
marked()
for name, count in pairs({done = done, failed = failed, items = stored, filtered = filtered, refused = refused}) do
  if count > 0 then
    call('HINCRBY', META, name, count)
  end
end
if #leases < want and state == 'open' and leave == 0 then
  call('ZADD', IDLE, now + lease_ms, worker)
else
  call('ZREM', IDLE, worker)
end
local cursor = tonumber(call('HGET', META, 'wake') or 0)
local unseeded = call('HEXISTS', META, 'seeded') == 0 and call('HEXISTS', LEASED, '0') == 0
if state == 'finished' or (news > 0 and (waiting > 0 or unseeded) and call('ZCARD', IDLE) > 0) then
  cursor = call('HINCRBY', META, 'wake', 1)
  call('XADD', WAKE, 'MAXLEN', 1, string.format('%d-1', cursor), 'n', cursor)
end
local due = call('ZRANGE', DELAYED, 0, 0, 'WITHSCORES')
local reply = cmsgpack.pack({
  accepted, leases, state, waiting, filtered, due[2] and math.max(0, tonumber(due[2]) - now) or -1, cursor, lost
})
if leave == 1 then
  call('HDEL', REPLIES, worker)
else
  call('HSET', REPLIES, worker, struct.pack('>I4', serial) .. reply)
end
if state == 'finished' then
  for i, key in ipairs(KEYS) do
    if key ~= ITEMS and not (i > 12 and call('HGET', META, 'kept') == '1') then
      call('PEXPIRE', key, keep_ms)
    end
  end
end
return reply
