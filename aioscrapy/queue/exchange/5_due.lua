-- Keep what this worker has learnt of hosts; end the rests and the delays that are over.
-- KEYS: SLOTS, RESTING, DELAYED

for _, learnt in ipairs(delays) do
  call('HSET', SLOTS, 'd' .. learnt[1], learnt[2])
end
for _, learnt in ipairs(pauses) do
  local host, till = learnt[1], now + learnt[2]
  if per_host > 0 then
    local turn_at = math.max(till, slot_number('n' .. host, 0))
    call('HSET', SLOTS, 'n' .. host, string.format('%d', turn_at))
  end
  if till > tonumber(call('ZSCORE', RESTING, host) or 0) then
    rest(host, till)
  end
end

for _, host in ipairs(call('ZRANGEBYSCORE', RESTING, '-inf', now, 'LIMIT', 0, 1000)) do
  end_rest(host)
end
for _, member in ipairs(call('ZRANGEBYSCORE', DELAYED, '-inf', now, 'LIMIT', 0, 1000)) do
  call('ZREM', DELAYED, member)
  local host, key, payload = unpack_member(member)
  if host then
    make_ready(host, key, payload)
  else
    bury_damaged(member)
  end
end
