-- Keep the records of the committed pages for their feeds; remove those that are in their files.
-- KEYS: FEEDS, and behind all other keys the list of each feed of the message

local FIRST_FEED = #KEYS - #feeds + 1
local feed_totals = {}
if #feeds > 0 then
  local record_at, records = item_at, {} -- in ARGV, behind the items; position of a feed -> its new records
  for i, page in ipairs(pages) do
    for _, position in ipairs(page[PAGE.records]) do
      if accepted[i] == 1 and page[PAGE.kind] ~= GIVE_BACK then
        records[position] = records[position] or {}
        table.insert(records[position], ARGV[record_at])
      end
      record_at = record_at + 1
    end
  end
  for i, feed in ipairs(feeds) do
    local number, written, length = feed[1], feed[2], feed[3]
    local key = KEYS[FIRST_FEED + i - 1]
    local known = call('HEXISTS', FEEDS, number .. '.name') == 1
    if known and lost ~= 2 and length >= 0 and written > 0 then
      save_feed(FEEDS, key, number, written, length, worker)
    end
    if records[i - 1] then
      add_records(FEEDS, key, number, records[i - 1])
    end
    feed_totals[i] = known and tonumber(call('HGET', FEEDS, number .. '.total') or 0) or -1
  end
end
