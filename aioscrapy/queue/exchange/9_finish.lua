-- Leave, end the crawl if nothing is left, count, wake the workers that wait, reply.
-- KEYS: all

if leave == 1 then
  give_up(worker)
end
write_ready()

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

for name, count in pairs({
  done = done, failed = failed, items = #items, filtered = filtered, refused = refused, handled = handled,
  fruitless = fruitless,
}) do
  if count > 0 then
    call('HINCRBY', META, name, count)
  end
end
local marks_now, marks_new = marked()
if marks_now then -- the filter was asked: it must have had all marks of before
  if marks_now - marks_new < marks then
    call('HSET', META, 'filter_lost', 1)
  end
end
call(
  'HSET', META, 'seq', string.format('%d', seq), 'token', string.format('%d', token), 'marks', marks_now or marks)

-- The proof of the end: every request that arrived is done or failed.
local proof = {
  handled = 0, fruitless = 0, arrived = 0, missing = 0, filter_lost = 0, letters_lost = 0, items_lost = 0, damaged = 0,
}
if state == 'finished' then
  local names = {'handled', 'fruitless', 'done', 'failed', 'filter_lost', 'items_lost', 'damaged'}
  for i, count in ipairs(call('HMGET', META, unpack(names))) do
    proof[names[i]] = tonumber(count or 0)
  end
  proof.arrived, proof.missing = seq, seq - proof.done - proof.failed
  proof.letters_lost = proof.failed - call('HLEN', FAILED)
  call('HSET', META, 'missing', proof.missing)
end

if #leases < want and state == 'open' and leave == 0 then
  call('ZADD', IDLE, now + lease_ms, worker)
else
  call('ZREM', IDLE, worker)
end
local unseeded = not seeded and call('HEXISTS', LEASED, '0') == 0
if state == 'finished' or (news > 0 and (call('EXISTS', HOSTS) == 1 or unseeded) and call('ZCARD', IDLE) > 0) then
  cursor = wake_workers(META, WAKE)
end

local due = FULL
for _, key in ipairs({DELAYED, RESTING}) do
  due = math.min(due, tonumber(call('ZRANGE', key, 0, 0, 'WITHSCORES')[2] or FULL))
end
local reply = pack_reply({
  accepted = accepted,
  leases = leases,
  state = state,
  waiting = waiting,
  filtered = filtered,
  due_ms = due < FULL and math.max(0, due - now) or -1,
  cursor = cursor,
  lost = lost,
  handled = proof.handled,
  fruitless = proof.fruitless,
  arrived = proof.arrived,
  missing = proof.missing,
  filter_lost = proof.filter_lost,
  letters_lost = proof.letters_lost,
  items_lost = proof.items_lost,
  damaged = -proof.damaged,
  seed_failure = seed_failure,
  feeds = feed_totals,
  cookies_version = cookies_version,
})
if leave == 1 then
  call('HDEL', REPLIES, worker)
else
  call('HSET', REPLIES, worker, struct.pack('>I4', serial) .. reply)
end
if state == 'finished' then
  for i, key in ipairs(KEYS) do
    if key ~= ITEMS and key ~= FEEDS and key ~= PUSH and i < FIRST_FEED and not (i >= FILTER and kept) then
      call('PEXPIRE', key, keep_ms)
    end
  end
end
return reply
