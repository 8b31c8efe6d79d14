-- Raise an error if a key has another type, or a field is not a number. Call these functions before the first write: a
-- script that raises has changed nothing.

local function check_types(kinds) -- key -> type
  for key, kind in pairs(kinds) do
    local present = redis.call('TYPE', key).ok
    if present ~= kind and present ~= 'none' then
      error('WRONGTYPE the key ' .. key .. ' is a ' .. present .. ', not a ' .. kind, 0)
    end
  end
end

-- Returns field -> number of these fields of a hash; nothing for a field that is absent. `damaged` is negative.
local function read_numbers(key, fields)
  local numbers = {}
  for i, text in ipairs(redis.call('HMGET', key, unpack(fields))) do
    if text then
      if #text > 16 or not string.find(text, fields[i] == 'damaged' and '^%-?%d+$' or '^%d+$') then
        error('WRONGTYPE the field ' .. fields[i] .. ' of the key ' .. key .. ' is not a count', 0)
      end
      numbers[fields[i]] = tonumber(text)
    end
  end
  return numbers
end
