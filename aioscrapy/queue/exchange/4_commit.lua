-- Commit the pages: their new requests, their items, and the end of their leases.
-- KEYS: LEASED, FAILED, ITEMS, SEEDS, META

local filtered, done, refused = 0, 0, 0
local handled, fruitless = 0, 0 -- pages that led to something, and those that should have
local accepted, over, items = {}, {}, {}
local item_at = 2 -- in ARGV

local held = {} -- field of `leased` -> its value; false once the lease is over
for first = 1, #pages, 1000 do
  local fields = {}
  for i = first, math.min(first + 999, #pages) do
    fields[#fields + 1] = string.format('%d', pages[i][PAGE.lease])
  end
  for i, value in ipairs(call('HMGET', LEASED, unpack(fields))) do
    held[fields[i]] = value
  end
end

-- Returns why an entry can't be stored; nil if it can.
local function problem_of(host, base, fingerprint, payload, delay_ms)
  if type(payload) ~= 'string' then
    return 'no request'
  elseif type(host) ~= 'string' or string.find(host, '\n', 1, true) then
    return 'its host is not a name'
  elseif type(fingerprint) ~= 'string' or (fingerprint ~= '' and #fingerprint ~= 16) then
    return 'its fingerprint is not 16 bytes'
  elseif type(base) ~= 'number' or not (base >= 0 and base < 2 ^ 53) then
    return 'its priority is not a number'
  elseif type(delay_ms) ~= 'number' or not (delay_ms < 9e15) then
    return 'its delay is not a number'
  end
end

local function commit_entry(entry, from_seed)
  local host, base, fingerprint = entry[ENTRY.host], entry[ENTRY.base], entry[ENTRY.fingerprint]
  local payload, delay_ms = entry[ENTRY.payload], entry[ENTRY.delay_ms]
  local problem = problem_of(host, base, fingerprint, payload, delay_ms)
  if problem then
    refuse(problem, type(payload) == 'string' and payload or '')
    return
  end
  local new = fingerprint == '' or mark(fingerprint)
  if kept and from_seed and fingerprint ~= '' then
    new = call('SADD', SEEDS, fingerprint) == 1
  end
  if new then
    push(host, base, payload, delay_ms)
  else
    filtered = filtered + 1
  end
end

local function end_lease(field, member, failure)
  over[#over + 1] = field
  held[field] = false
  if field == '0' then
    seeded, seed_failure = '1', failure
    call('HSET', META, 'seeded', 1, 'seed_failure', failure)
    return
  end
  if paced then
    local host = unpack_member(member)
    if host then
      free_slot(host)
    end
  end
  if failure ~= '' then
    bury(field, failure, member)
  else
    done = done + 1
  end
end

for i, page in ipairs(pages) do
  local field = string.format('%d', page[PAGE.lease])
  local kind, item_count = page[PAGE.kind], page[PAGE.items]
  local from_outside = page[PAGE.lease] < 0
  local member = held[field] and held_member(held[field], worker, page[PAGE.token])
  accepted[i] = (member or from_outside) and 1 or 0
  if accepted[i] == 0 then
    refused = refused + 1
  elseif kind == GIVE_BACK then
    put_back(field, member)
    held[field] = false
  else
    for _, entry in ipairs(page[PAGE.entries]) do
      commit_entry(entry, field == '0')
    end
    for at = item_at, item_at + item_count - 1 do
      items[#items + 1] = ARGV[at]
    end
    if kind == FINAL and not from_outside then
      handled, fruitless = handled + page[PAGE.handled], fruitless + page[PAGE.fruitless]
      end_lease(field, member, page[PAGE.failure])
    end
  end
  item_at = item_at + item_count
end

call_with_all(over, 'HDEL', LEASED)
call_with_all(items, 'RPUSH', ITEMS)
