-- Raise an error if a key has another type. Call it before the first write: a script that raises has changed nothing.

local function check_types(kinds) -- key -> type
  for key, kind in pairs(kinds) do
    local present = redis.call('TYPE', key).ok
    if present ~= kind and present ~= 'none' then
      error('WRONGTYPE the key ' .. key .. ' is a ' .. present .. ', not a ' .. kind, 0)
    end
  end
end
