-- The page commit: everything that changes a crawl, in one atomic step and one round trip.
-- Behind the duplicate filter's own script, which defines `mark(fingerprint)` (true where it was new)
-- and `marked()` (called once, at the end).
--
-- KEYS and what they hold: docs/redis.md. ARGV[1] is a MessagePack array, see the names below; behind it come
-- the items of all pages in their order, as they are kept.

local META, READY, HOSTS, LEASED, DELAYED = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local WORKERS, IDLE, REPLIES, WAKE, ITEMS, FAILED, SEEDS = KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10], KEYS[11], KEYS[12]
local SLOTS, RESTING, PUSH = KEYS[13], KEYS[14], KEYS[15]

local call = redis.call
local worker, serial, lease_ms, want, cap, may_finish, order, busy, pages, keep_ms, leave, pace, delays, pauses =
  unpack(cmsgpack.unpack(ARGV[1]), 1, 14)
-- per_host 0: each worker keeps limits of its own.
local per_host, pace_ms, jitter, random_seed = unpack(pace, 1, 4)
local FULL = 9e15 -- the time until which a host rests that carries as many requests as it may
local AHEAD_MS = 1000 -- a turn at a host is given at most that long before it comes
math.randomseed(random_seed)

-- A call that was repeated because its answer got lost: the same answer again.
local known, of = call('HGET', REPLIES, worker), 0
if known then
  of = struct.unpack('>I4', known)
  if of == serial then
    return string.sub(known, 5)
  end
end
-- The last call that was answered is not known here: a replica took over, or the last seconds were not on disk.
local fell_back = of < serial - 1 and leave == 0

local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local state, seq, token, kept, stopped, seeded, cursor =
  unpack(call('HMGET', META, 'state', 'seq', 'token', 'kept', 'stopped', 'seeded', 'wake'))
if not state then
  return cmsgpack.pack({{}, {}, 'gone', 0, 0, -1, 0, 0})
end
seq, token, cursor = tonumber(seq), tonumber(token), tonumber(cursor or 0)
kept, stopped = kept == '1', stopped == '1'

-- Calls cost more than what they do: what pages have in common is gathered, and goes in one call.
local function in_one(list, verb, key, ...)
  local size = 1000 -- Lua's stack has room for some 8,000
  for first = 1, #list, size do
    local arguments = {...}
    for i = first, math.min(first + size - 1, #list) do
      arguments[#arguments + 1] = list[i]
    end
    call(verb, key, unpack(arguments))
  end
end

local news = 0 -- requests that others could take now
local some_rest = call('EXISTS', RESTING) == 1
local paced = per_host > 0 or call('EXISTS', SLOTS) == 1
local filtered, done, failed, refused = 0, 0, 0, 0

local ready, heads = {}, {} -- to be written: members of `ready` with their score, host -> its smallest key
local function make_ready(host, key, payload)
  ready[#ready + 1] = 0
  ready[#ready + 1] = host .. '\n' .. string.format('%014x', key) .. payload
  if not some_rest or not call('ZSCORE', RESTING, host) then
    heads[host] = math.min(key, heads[host] or key)
    news = news + 1
  end
end

-- Before anything reads `ready` or `hosts`, or changes a host's rest.
local function write_ready()
  if #ready == 0 then
    return
  end
  in_one(ready, 'ZADD', READY)
  local scores = {}
  for host, key in pairs(heads) do
    scores[#scores + 1] = key
    scores[#scores + 1] = host
  end
  in_one(scores, 'ZADD', HOSTS, 'LT')
  ready, heads = {}, {}
end

-- A host that rests is not in `hosts`, so that it costs those who look for work nothing.
local function rest(host, till)
  write_ready()
  some_rest = true
  call('ZREM', HOSTS, host)
  call('ZADD', RESTING, string.format('%d', till), host)
end

local function rest_is_over(host)
  write_ready()
  call('ZREM', RESTING, host)
  local head = call('ZRANGEBYLEX', READY, '[' .. host .. '\n', '(' .. host .. '\11', 'LIMIT', 0, 1)[1]
  if head then
    call('ZADD', HOSTS, tonumber(string.sub(head, #host + 2, #host + 15), 16), host)
    news = news + 1
  end
end

-- Slots of a host: 'a' its requests under way, 'd' its own delay, 'n' the time of its next turn.
local function free_slot(host)
  if not paced then
    return
  end
  if call('HINCRBY', SLOTS, 'a' .. host, -1) <= 0 then
    call('HDEL', SLOTS, 'a' .. host)
    if tonumber(call('HGET', SLOTS, 'n' .. host) or 0) <= now then
      call('HDEL', SLOTS, 'n' .. host)
    end
  end
  if tonumber(call('ZSCORE', RESTING, host) or 0) == FULL then
    rest_is_over(host)
  end
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
    free_slot(host)
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
if fell_back then
  -- What it holds and what this store thinks that it holds are two things, and it may have left out links that
  -- this store has forgotten. Nothing of that counts: all is given anew, under tokens that were never given: the
  -- clock is ahead of them, also of those that a crawl had which began anew.
  lost = 2
  give_up(worker)
  token = math.max(token + 1e9, now * 1000)
elseif serial > 1 and not call('ZSCORE', WORKERS, worker) then
  lost = 1
end
call('ZADD', WORKERS, now + lease_ms, worker)
for _, dead in ipairs(call('ZRANGEBYSCORE', WORKERS, '-inf', '(' .. now)) do
  give_up(dead)
  call('HINCRBY', META, 'workers_lost', 1)
end

-- 2. Commit the pages.
local accepted, over, items = {}, {}, {}
local item_at = 2 -- in ARGV
local held_as = {} -- field of `leased` -> its value, false once it is over
for first = 1, #pages, 1000 do
  local fields = {}
  for i = first, math.min(first + 999, #pages) do
    fields[#fields + 1] = string.format('%d', pages[i][1])
  end
  for i, value in ipairs(call('HMGET', LEASED, unpack(fields))) do
    held_as[fields[i]] = value
  end
end
for i, page in ipairs(pages) do
  local id, page_token, kind, entries, item_count, failure = unpack(page, 1, 6)
  local field = string.format('%d', id)
  local value = held_as[field]
  local held = id < 0
  if value then
    local prefix = worker .. '\n' .. string.format('%d', page_token) .. '\n'
    held = string.sub(value, 1, #prefix) == prefix
  end
  accepted[i] = held and 1 or 0
  if not held then
    refused = refused + 1
  elseif kind == 2 then
    put_back(field, value)
    held_as[field] = false
  else
    for _, entry in ipairs(entries) do
      local host, base, fingerprint, payload, delay_ms = unpack(entry, 1, 5)
      local new = fingerprint == ''
      if not new then
        new = mark(fingerprint)
        if kept and id == 0 then
          new = call('SADD', SEEDS, fingerprint) == 1
        end
      end
      if new then
        push(host, base, payload, delay_ms)
      else
        filtered = filtered + 1
      end
    end
    for at = item_at, item_at + item_count - 1 do
      items[#items + 1] = ARGV[at]
    end
    if kind == 0 and id >= 0 then
      over[#over + 1] = field
      held_as[field] = false
      if id ~= 0 and paced then
        free_slot(string.match(value, '^[^\n]*\n[^\n]*\n([^\n]*)'))
      end
      if id == 0 then
        seeded = '1'
        call('HSET', META, 'seeded', 1)
      elseif failure ~= '' then
        failed = failed + 1
        call('HSET', FAILED, field, cmsgpack.pack({failure, string.match(value, '^[^\n]*\n[^\n]*\n(.*)$')}))
      else
        done = done + 1
      end
    end
  end
  item_at = item_at + item_count
end

in_one(over, 'HDEL', LEASED)
in_one(items, 'RPUSH', ITEMS)

-- What this worker has learnt of hosts.
for _, learnt in ipairs(delays) do
  call('HSET', SLOTS, 'd' .. learnt[1], learnt[2])
end
for _, learnt in ipairs(pauses) do
  local host, till = learnt[1], now + learnt[2]
  if per_host > 0 then
    call('HSET', SLOTS, 'n' .. host, string.format('%d', math.max(till, tonumber(call('HGET', SLOTS, 'n' .. host) or 0))))
  end
  if till > tonumber(call('ZSCORE', RESTING, host) or 0) then
    rest(host, till)
  end
end

-- 3. Delayed requests that are due, and hosts that have rested.
for _, host in ipairs(call('ZRANGEBYSCORE', RESTING, '-inf', now, 'LIMIT', 0, 1000)) do
  rest_is_over(host)
end
for _, member in ipairs(call('ZRANGEBYSCORE', DELAYED, '-inf', now, 'LIMIT', 0, 1000)) do
  local host, key, payload = string.match(member, '^([^\n]*)\n(' .. string.rep('%x', 14) .. ')(.*)$')
  call('ZREM', DELAYED, member)
  make_ready(host, tonumber(key, 16), payload)
end

-- 4. Lease what is wanted: the most urgent of the hosts that are not busy.
local leases, leased = {}, {}
local function lease(id, host, key, payload, stored_as, start_ms)
  token = token + 1
  leased[#leased + 1] = id
  leased[#leased + 1] = worker .. '\n' .. string.format('%d', token) .. '\n' .. stored_as
  if per_host > 0 and id ~= '0' then
    call('HINCRBY', SLOTS, 'a' .. host, 1)
  end
  leases[#leases + 1] = {tonumber(id), token, host, key, payload, start_ms}
end

-- Where the workers share the limits of hosts: how many of this one may be leased now, and in how many ms they
-- may begin. One that may not have any goes to rest.
local function turn(host, room)
  if per_host == 0 then
    return room, 0
  end
  room = math.min(room, per_host - tonumber(call('HGET', SLOTS, 'a' .. host) or 0))
  if room <= 0 then
    rest(host, FULL)
    return 0, 0
  end
  local delay = tonumber(call('HGET', SLOTS, 'd' .. host) or pace_ms)
  local begin = math.max(now, tonumber(call('HGET', SLOTS, 'n' .. host) or 0))
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

-- A request of another program's making: JSON, and 16 bytes to ask the filter for where it shall be asked.
local function take_in(fields)
  local given = {}
  for i = 1, #fields, 2 do
    given[fields[i]] = fields[i + 1]
  end
  local payload = given.request or ''
  local fine, request = pcall(cjson.decode, payload)
  local url = fine and type(request) == 'table' and request.url
  local host = type(url) == 'string' and string.match(url, '^%a[%w+.-]*://([^/?#]*)')
  if not host or string.sub(payload, 1, 1) ~= '{' then
    seq = seq + 1
    failed = failed + 1
    local stored_as = '\n' .. string.format('%014x', seq) .. payload
    call('HSET', FAILED, string.format('%d', seq), cmsgpack.pack({'pushed from outside, and not a request in JSON', stored_as}))
  elseif given.fingerprint and not mark(given.fingerprint) then
    filtered = filtered + 1
  else
    host = string.lower(string.gsub(host, '^.*@', ''))
    host = string.match(host, '^%[(.*)%]') or string.match(host, '^[^:]*')
    local priority = order == 'priority' and tonumber(request.priority) or 0
    priority = math.max(-1048576, math.min(1048575, math.floor(priority)))
    push(host, order == 'priority' and (1048575 - priority) * 4294967296 or 0, payload, 0)
  end
end

if want > 0 and state == 'open' and not stopped then
  for _, entry in ipairs(call('XRANGE', PUSH, '-', '+', 'COUNT', 200)) do
    take_in(entry[2])
    call('XDEL', PUSH, entry[1])
  end
  write_ready()
  if not seeded and call('HEXISTS', LEASED, '0') == 0 then
    lease('0', '', 0, '', '', 0)
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
      local start_ms
      room, start_ms = turn(host, room)
      -- As many of this host as are more urgent than the next host's head.
      local next_head = heads[4] and tonumber(heads[4]) or math.huge
      local members = {}
      if room > 0 then
        members = call('ZRANGEBYLEX', READY, '[' .. host .. '\n', '(' .. host .. '\11', 'LIMIT', 0, room + 1)
      end
      local n, taken_out = 0, {}
      for i = 1, math.min(room, #members) do
        local at = #host + 2
        local key = tonumber(string.sub(members[i], at, at + 13), 16)
        if n > 0 and key > next_head then
          break
        end
        n = n + 1
        taken_out[n] = members[i]
        -- The id of a request is its number in the order of arrival.
        local id = order == 'lifo' and 4294967295 - key or key % 4294967296
        lease(string.format('%d', id), host, key, string.sub(members[i], at + 14), members[i], start_ms)
      end
      in_one(taken_out, 'ZREM', READY)
      taken[host] = (taken[host] or 0) + n
      local head = members[n + 1]
      if n == 0 then
        -- It rests.
      elseif head then
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

in_one(leased, 'HSET', LEASED)

-- 5. Leaving: what this worker still holds is for others.
if leave == 1 then
  give_up(worker)
end
write_ready()

-- 6. Is the crawl over?
local waiting = call('ZCARD', READY)
local open = call('HLEN', LEASED) + waiting + call('ZCARD', DELAYED) + call('XLEN', PUSH)
local ended = state == 'open' and open == 0 and seeded
if ended and may_finish == 1 then
  state = 'finished'
  call('HSET', META, 'state', state, 'finished_at', now)
elseif ended then
  state = 'idle'
end
if stopped and state ~= 'finished' then
  state = 'stopped'
end

-- 7. Book-keeping, and the news for workers that wait.
call('HSET', META, 'seq', string.format('%d', seq), 'token', string.format('%d', token))
marked()
for name, count in pairs({done = done, failed = failed, items = #items, filtered = filtered, refused = refused}) do
  if count > 0 then
    call('HINCRBY', META, name, count)
  end
end
if #leases < want and state == 'open' and leave == 0 then
  call('ZADD', IDLE, now + lease_ms, worker)
else
  call('ZREM', IDLE, worker)
end
local unseeded = not seeded and call('HEXISTS', LEASED, '0') == 0
if state == 'finished' or (news > 0 and (call('EXISTS', HOSTS) == 1 or unseeded) and call('ZCARD', IDLE) > 0) then
  cursor = call('HINCRBY', META, 'wake', 1)
  call('XADD', WAKE, 'MAXLEN', 1, string.format('%d-1', cursor), 'n', cursor)
end
local due = FULL
for _, key in ipairs({DELAYED, RESTING}) do
  due = math.min(due, tonumber(call('ZRANGE', key, 0, 0, 'WITHSCORES')[2] or FULL))
end
local reply = cmsgpack.pack({
  accepted, leases, state, waiting, filtered, due < FULL and math.max(0, due - now) or -1, cursor, lost
})
if leave == 1 then
  call('HDEL', REPLIES, worker)
else
  call('HSET', REPLIES, worker, struct.pack('>I4', serial) .. reply)
end
if state == 'finished' then
  for i, key in ipairs(KEYS) do
    if key ~= ITEMS and key ~= PUSH and not (i >= FILTER and kept) then
      call('PEXPIRE', key, keep_ms)
    end
  end
end
return reply
