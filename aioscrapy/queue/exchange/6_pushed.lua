-- Take in the requests that other programs have pushed: JSON, and 16 bytes if the filter shall be asked.
-- KEYS: PUSH

-- Returns the name of the host in a URL, or the slot, in the form that Python's `slot_of` gives them; nil if none.
local function host_of(request)
  local slot = type(request.meta) == 'table' and request.meta.download_slot
  local host = type(slot) == 'string' and slot ~= '' and slot
  if not host then
    host = type(request.url) == 'string' and string.match(request.url, '^%s*%a[%w+.-]*://([^/?#]*)')
    if not host then
      return nil
    end
    host = string.lower(string.gsub(host, '^.*@', ''))
    host = string.match(host, '^%[(.*)%]') or string.match(host, '^[^:]*')
  end
  return (string.gsub(host, '[%z\1-\31\127]', function(byte)
    return string.format('%%%02X', string.byte(byte))
  end))
end

local function sort_base(priority)
  if order ~= 'priority' then
    return 0
  end
  if type(priority) ~= 'number' or priority ~= priority then -- not a number, or NaN
    priority = 0
  end
  priority = math.max(-PRIORITY_LIMIT, math.min(PRIORITY_LIMIT - 1, math.floor(priority)))
  return (PRIORITY_LIMIT - 1 - priority) * SEQUENCES
end

local function take_in(entry)
  local values = {}
  for i = 1, #entry, 2 do
    values[entry[i]] = entry[i + 1]
  end
  local payload, fingerprint = values.request or '', values.fingerprint
  local is_json, request = pcall(cjson.decode, payload)
  local host = is_json and type(request) == 'table' and string.sub(payload, 1, 1) == '{' and host_of(request)
  if not host then
    refuse('pushed from outside, and not a request in JSON', payload)
  elseif fingerprint and #fingerprint ~= 16 then
    refuse('pushed from outside with a fingerprint that is not 16 bytes', payload)
  elseif fingerprint and not mark(fingerprint) then
    filtered = filtered + 1
  else
    push(host, sort_base(request.priority), payload, 0)
  end
end

if want > 0 and state == 'open' and not stopped then
  for _, entry in ipairs(call('XRANGE', PUSH, '-', '+', 'COUNT', 200)) do
    take_in(entry[2])
    call('XDEL', PUSH, entry[1])
  end
end
