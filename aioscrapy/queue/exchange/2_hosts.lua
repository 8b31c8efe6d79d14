-- Functions that put requests among the ready ones, and hosts to rest.
-- KEYS: READY, HOSTS, DELAYED, LEASED, RESTING, SLOTS

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
  if head then
    local _, key = unpack_member(head)
    call('ZADD', HOSTS, key, host)
    news = news + 1
  end
end

-- Fields of `slots`: 'a'host its requests under way, 'd'host its delay, 'n'host the time of its next turn.
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
  if id ~= '0' then
    local host, key, payload = unpack_member(member)
    free_slot(host)
    make_ready(host, key, payload)
  else
    news = news + 1
  end
end
