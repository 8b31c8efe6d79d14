-- Take in the requests that other programs have pushed: JSON, and 16 bytes if the filter shall be asked.
-- KEYS: PUSH, FAILED

local function refuse_pushed(payload, reason)
  seq = seq + 1
  failed = failed + 1
  call('HSET', FAILED, string.format('%d', seq), cmsgpack.pack({reason, pack_member('', seq, payload)}))
end

local function take_in(entry)
  local values = {}
  for i = 1, #entry, 2 do
    values[entry[i]] = entry[i + 1]
  end
  local payload = values.request or ''
  local is_json, request = pcall(cjson.decode, payload)
  local url = is_json and type(request) == 'table' and request.url
  local host = type(url) == 'string' and string.match(url, '^%a[%w+.-]*://([^/?#]*)')
  if not host or string.sub(payload, 1, 1) ~= '{' then
    refuse_pushed(payload, 'pushed from outside, and not a request in JSON')
  elseif values.fingerprint and not mark(values.fingerprint) then
    filtered = filtered + 1
  else
    host = string.lower(string.gsub(host, '^.*@', ''))
    host = string.match(host, '^%[(.*)%]') or string.match(host, '^[^:]*')
    local base = 0
    if order == 'priority' then
      local priority = math.floor(tonumber(request.priority) or 0)
      priority = math.max(-PRIORITY_LIMIT, math.min(PRIORITY_LIMIT - 1, priority))
      base = (PRIORITY_LIMIT - 1 - priority) * SEQUENCES
    end
    push(host, base, payload, 0)
  end
end

if want > 0 and state == 'open' and not stopped then
  for _, entry in ipairs(call('XRANGE', PUSH, '-', '+', 'COUNT', 200)) do
    take_in(entry[2])
    call('XDEL', PUSH, entry[1])
  end
end
