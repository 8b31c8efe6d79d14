-- How a waiting request is written; member.py is the same codec for Python.
--
-- A member of `ready` and `delayed` is host, newline, 14 hex digits of the sort key, payload.
-- A value of `leased` is worker, newline, token, newline, member; the seeding lease has an empty member.

local MEMBER = '^([^\n]*)\n(' .. string.rep('%x', 14) .. ')(.*)$'

local function pack_member(host, key, payload)
  return host .. '\n' .. string.format('%014x', key) .. payload
end

-- Returns host, key, payload; nothing if the member is damaged.
local function unpack_member(member)
  local host, key, payload = string.match(member, MEMBER)
  if host then
    return host, tonumber(key, 16), payload
  end
end

-- Returns key and payload of a member of this host; nothing if the member is damaged. Cheaper than `unpack_member`.
local function unpack_member_of(host, member)
  local at = #host + 2
  local key = tonumber(string.sub(member, at, at + 13), 16)
  if key then
    return key, string.sub(member, at + 14)
  end
end

-- Returns up to `count` members of a host, the most urgent first.
local function members_of(ready, host, count)
  return redis.call('ZRANGEBYLEX', ready, '[' .. host .. '\n', '(' .. host .. '\11', 'LIMIT', 0, count)
end

local function pack_lease(worker, token, member)
  return worker .. '\n' .. string.format('%d', token) .. '\n' .. member
end

-- Returns the member of a lease that this worker holds under this token; nothing if it does not.
local function held_member(value, worker, token)
  local prefix = pack_lease(worker, token, '')
  if string.sub(value, 1, #prefix) == prefix then
    return string.sub(value, #prefix + 1)
  end
end

-- Returns worker, token as text, member; nothing if the lease is damaged.
local function unpack_lease(value)
  return string.match(value, '^([^\n]*)\n(%d+)\n(.*)$')
end
