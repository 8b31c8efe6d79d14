-- Commit the pages: their new requests, their items, and the end of their leases.
-- KEYS: LEASED, FAILED, ITEMS, SEEDS, META

local filtered, done, refused = 0, 0, 0
local handled, fruitless = 0, 0 -- pages that led to something, and those that should have
local accepted, over, items = {}, {}, {}
local item_at = 2 -- in ARGV

local held = {} -- field of `leased` -> {holder, token, member}; nil once the lease is over
for first = 1, #pages, 1000 do
  local fields = {}
  for i = first, math.min(first + 999, #pages) do
    fields[#fields + 1] = string.format('%d', pages[i][PAGE.lease])
  end
  for i, value in ipairs(call('HMGET', LEASED, unpack(fields))) do
    held[fields[i]] = value and {unpack_lease(value)} or nil
  end
end

-- Returns why an entry can't be stored; nil if it can.
local function problem_of(entry)
  local fingerprint, delay_ms = entry[ENTRY.fingerprint], entry[ENTRY.delay_ms]
  if type(entry[ENTRY.payload]) ~= 'string' then
    return 'no request'
  elseif type(entry[ENTRY.host]) ~= 'string' or string.find(entry[ENTRY.host], '\n', 1, true) then
    return 'its host is not a name'
  elseif type(fingerprint) ~= 'string' or (fingerprint ~= '' and #fingerprint ~= 16) then
    return 'its fingerprint is not 16 bytes'
  elseif type(entry[ENTRY.base]) ~= 'number' or not (entry[ENTRY.base] >= 0 and entry[ENTRY.base] < 2 ^ 53) then
    return 'its priority is not a number'
  elseif type(delay_ms) ~= 'number' or not (delay_ms < 2 ^ 53) then
    return 'its delay is not a number'
  end
end

local function commit_entry(entry, from_seed)
  local problem = problem_of(entry)
  if problem then
    refuse(problem, type(entry[ENTRY.payload]) == 'string' and entry[ENTRY.payload] or '')
    return
  end
  local fingerprint = entry[ENTRY.fingerprint]
  local new = fingerprint == '' or mark(fingerprint)
  if kept and from_seed and fingerprint ~= '' then
    new = call('SADD', SEEDS, fingerprint) == 1
  end
  if new then
    push(entry[ENTRY.host], entry[ENTRY.base], entry[ENTRY.payload], entry[ENTRY.delay_ms])
  else
    filtered = filtered + 1
  end
end

local function end_lease(field, lease, failure)
  over[#over + 1] = field
  held[field] = nil
  local member = lease[3]
  if field == '0' then
    seeded, seed_failure = '1', failure
    call('HSET', META, 'seeded', 1, 'seed_failure', failure)
    return
  end
  local host = unpack_member(member)
  if paced and host then
    free_slot(host)
  end
  if failure ~= '' then
    bury(field, failure, member)
  else
    done = done + 1
  end
end

for i, page in ipairs(pages) do
  local field = string.format('%d', page[PAGE.lease])
  local lease, kind = held[field], page[PAGE.kind]
  local from_outside = page[PAGE.lease] < 0
  local holds = lease and lease[1] == worker and tonumber(lease[2]) == page[PAGE.token]
  local item_count = page[PAGE.items]
  accepted[i] = (holds or from_outside) and 1 or 0
  if accepted[i] == 0 then
    refused = refused + 1
  elseif kind == GIVE_BACK then
    put_back(field, lease[3])
    held[field] = nil
  else
    for _, entry in ipairs(page[PAGE.entries]) do
      commit_entry(entry, field == '0')
    end
    for at = item_at, item_at + item_count - 1 do
      items[#items + 1] = ARGV[at]
    end
    if kind == FINAL and not from_outside then
      handled, fruitless = handled + page[PAGE.handled], fruitless + page[PAGE.fruitless]
      end_lease(field, lease, page[PAGE.failure])
    end
  end
  item_at = item_at + item_count
end

call_with_all(over, 'HDEL', LEASED)
call_with_all(items, 'RPUSH', ITEMS)
