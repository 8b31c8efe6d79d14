-- Functions that put requests among the ready ones or the dead letters, and hosts to rest.
-- KEYS: READY, HOSTS, DELAYED, LEASED, RESTING, SLOTS, FAILED, META

local failed = 0
local function bury(id, reason, member)
  failed = failed + 1
  call('HSET', FAILED, id, cmsgpack.pack({reason, member}))
end

-- For an entry that can't be used: it counts as a request that arrived and failed.
local function refuse(reason, payload)
  seq = seq + 1
  bury(string.format('%d', seq), reason, pack_member('', seq, payload))
end

-- For a member that can't be read; if its number is not known, the letter gets a negative one.
local function bury_damaged(member, id)
  local number = call('HINCRBY', META, 'damaged', -1)
  bury(id or string.format('%d', number), 'damaged in Redis', pack_member('', 0, member))
end

local news = 0 -- requests that another worker could take now
local some_rest = call('EXISTS', RESTING) == 1
local paced = per_host > 0 or call('EXISTS', SLOTS) == 1

local ready, heads = {}, {} -- not written yet: members of `ready` with their score, host -> its smallest key
local function make_ready(host, key, payload)
  ready[#ready + 1] = 0
  ready[#ready + 1] = pack_member(host, key, payload)
  if not some_rest or not call('ZSCORE', RESTING, host) then
    heads[host] = math.min(key, heads[host] or key)
    news = news + 1
  end
end

-- Call it before anything reads `ready` or `hosts`, or changes the rest of a host.
local function write_ready()
  if #ready == 0 then
    return
  end
  call_with_all(ready, 'ZADD', READY)
  local scores = {}
  for host, key in pairs(heads) do
    scores[#scores + 1] = key
    scores[#scores + 1] = host
  end
  call_with_all(scores, 'ZADD', HOSTS, 'LT')
  ready, heads = {}, {}
end

-- A host that rests is not in `hosts`: a worker that looks for requests does not meet it.
local function rest(host, till)
  write_ready()
  some_rest = true
  call('ZREM', HOSTS, host)
  call('ZADD', RESTING, string.format('%d', till), host)
end

local function end_rest(host)
  write_ready()
  call('ZREM', RESTING, host)
  local head = members_of(READY, host, 1)[1]
  local _, key = unpack_member(head or '')
  if head then
    call('ZADD', HOSTS, key or 0, host)
    news = news + 1
  end
end

-- Fields of `slots`: 'a'host its requests under way, 'd'host its delay, 'n'host the time of its next turn.
local function slot_number(field, default)
  local text = call('HGET', SLOTS, field)
  return text and #text <= 16 and string.find(text, '^%d+$') and tonumber(text) or default
end

local function free_slot(host)
  if not paced then
    return
  end
  local left = slot_number('a' .. host, 0) - 1
  if left > 0 then
    call('HSET', SLOTS, 'a' .. host, left)
  else
    call('HDEL', SLOTS, 'a' .. host)
    if slot_number('n' .. host, 0) <= now then
      call('HDEL', SLOTS, 'n' .. host)
    end
  end
  if tonumber(call('ZSCORE', RESTING, host) or 0) == FULL then
    end_rest(host)
  end
end

local function push(host, base, payload, delay_ms)
  seq = seq + 1
  local key = base + seq
  if order == 'lifo' then
    key = SEQUENCES - 1 - seq
  end
  if delay_ms > 0 then
    call('ZADD', DELAYED, now + delay_ms, pack_member(host, key, payload))
  else
    make_ready(host, key, payload)
  end
end

local function put_back(id, member)
  call('HDEL', LEASED, id)
  local host, key, payload = unpack_member(member or '')
  if id == '0' then
    news = news + 1
  elseif host then
    free_slot(host)
    make_ready(host, key, payload)
  else
    bury_damaged(member or '', id)
  end
end
