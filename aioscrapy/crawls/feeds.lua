-- Functions on the records of feeds. A record waits in the list of its feed until the file has it.
--
-- feeds    hash: NUMBER.name .options .total .written .length .base .owner of every feed
-- records  list: the records `written` to `total - 1` of one feed

local function add_records(feeds, records, number, new)
  redis.call('HINCRBY', feeds, number .. '.total', #new)
  for first = 1, #new, 1000 do -- Lua's stack has room for some 8,000
    redis.call('RPUSH', records, unpack(new, first, math.min(first + 999, #new)))
  end
end

-- Raise an error if the numbers of a feed are not numbers, or contradict each other.
local function check_feed(feeds, number)
  local written, total = number .. '.written', number .. '.total'
  local numbers = read_numbers(feeds, {written, total})
  if (numbers[written] or 0) > (numbers[total] or 0) then
    error('WRONGTYPE the key ' .. feeds .. ': ' .. written .. ' is larger than ' .. total, 0)
  end
end

local function save_feed(feeds, records, number, written, length, owner)
  local before = tonumber(redis.call('HGET', feeds, number .. '.written') or 0)
  local total = tonumber(redis.call('HGET', feeds, number .. '.total') or 0)
  if written < before or written > total then
    return -- of another time: Redis has lost its latest writes
  end
  if written > before then
    redis.call('LTRIM', records, written - before, -1)
  end
  redis.call('HSET', feeds, number .. '.written', string.format('%d', written),
    number .. '.length', string.format('%d', length), number .. '.owner', owner)
end
