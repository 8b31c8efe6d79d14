-- The exchange: everything that changes a crawl, in one atomic step and one round trip.
-- Its parts are joined in the order of their numbers. Before them is the head that exchange_message.py writes
-- (names of keys and arguments; PAGE.failure and the like become positions), the duplicate filter's script, which
-- defines `mark(fingerprint)` (true if it is new) and `marked()` (called once, at the end), and member.lua, news.lua.
--
-- A script that raises has changed nothing: errors are raised by this part only, before the first write. Data that
-- can't be used later becomes a dead letter. Every loop is over a list, or takes something out of a key in each turn.
--
-- This part answers a repeated call, and reads the state of the crawl.
-- KEYS: META, REPLIES. ARGV[1] is the message; behind it stand the items of all pages, in order.

local call = redis.call
local FULL = 9e15 -- a host that carries as many requests as it may rests until this time
math.randomseed(serial)

if #KEYS - #feeds >= FILTER then
  TYPES[KEYS[FILTER]] = FILTER_TYPE
end
for i = #KEYS - #feeds + 1, #KEYS do
  TYPES[KEYS[i]] = 'list'
end
check_types(TYPES)

-- The reply to the latest exchange of this worker, if it was lost on the way.
local previous, answered = call('HGET', REPLIES, worker), 0
if previous and #previous > 4 then
  answered = struct.unpack('>I4', previous)
  if answered == serial then
    return string.sub(previous, 5)
  end
end
-- A reply that the worker has got is not known here: a replica took over, or the last seconds were not on disk.
local fell_back = answered < serial - 1 and leave == 0

local function pack_reply(values)
  local fields = {}
  for name, position in pairs(REPLY) do
    fields[position] = values[name]
  end
  return cmsgpack.pack(fields)
end

local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local state, kept, stopped, seeded, seed_failure = unpack(call(
  'HMGET', META, 'state', 'kept', 'stopped', 'seeded', 'seed_failure'))
local counters = read_numbers(META, {
  'seq', 'token', 'wake', 'marks', 'cookies', 'repair_at', 'repair_leases_at', 'done', 'failed', 'items', 'filtered',
  'refused', 'handled', 'fruitless', 'damaged', 'workers_lost', 'filter_lost', 'items_lost',
})
local seq, token = counters.seq, counters.token
local cursor, marks, cookies_version = counters.wake or 0, counters.marks or 0, counters.cookies or 0
if (state or seq or token) and not ((state == 'open' or state == 'finished') and seq and token) then
  error('WRONGTYPE the key ' .. META .. ' lacks state, seq or token, or its state is not known', 0)
end
if not state then
  -- Deleted: then nothing is left. Forgotten: then the other keys of the crawl may be here.
  local left = call('ZCARD', READY) + call('HLEN', LEASED) + call('ZCARD', DELAYED)
  return pack_reply({
    accepted = {}, leases = {}, state = 'gone', waiting = left, filtered = 0, due_ms = -1, cursor = 0, lost = 0,
    handled = 0, fruitless = 0, arrived = 0, missing = left, filter_lost = 0, letters_lost = 0,
    items_lost = 0, seed_failure = '', cookies_version = 0, feeds = {}, damaged = 0,
  })
end
kept, stopped, seed_failure = kept == '1', stopped == '1', seed_failure or ''

for _, feed in ipairs(feeds) do
  check_feed(FEEDS, feed[1])
end
-- One call for many values: a call costs more than its work.
local function call_with_all(list, verb, key, ...)
  local size = 1000 -- Lua's stack has room for some 8,000
  for first = 1, #list, size do
    local arguments = {...}
    for i = first, math.min(first + size - 1, #list) do
      arguments[#arguments + 1] = list[i]
    end
    call(verb, key, unpack(arguments))
  end
end
