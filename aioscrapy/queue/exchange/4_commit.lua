-- Commit the pages: their new requests, their items, and the end of their leases.
-- KEYS: LEASED, FAILED, ITEMS, SEEDS, META

local filtered, done, failed, refused = 0, 0, 0, 0
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

local function commit_entry(entry, from_seed)
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
    seeded = '1'
    call('HSET', META, 'seeded', 1)
    return
  end
  if paced then
    free_slot((unpack_member(member)))
  end
  if failure ~= '' then
    failed = failed + 1
    call('HSET', FAILED, field, cmsgpack.pack({failure, member}))
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
      end_lease(field, lease, page[PAGE.failure])
    end
  end
  item_at = item_at + item_count
end

call_with_all(over, 'HDEL', LEASED)
call_with_all(items, 'RPUSH', ITEMS)
