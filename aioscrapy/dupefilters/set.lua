-- The exact filter: a set of fingerprints. It precedes the parts of the exchange.
-- KEYS[FILTER] the set.

local asked, added = false, 0

local function mark(fingerprint)
  local new = redis.call('SADD', KEYS[FILTER], fingerprint) == 1
  asked = true
  if new then
    added = added + 1
  end
  return new
end

-- Returns the number of marks, and how many of them this exchange has set; nothing if the filter was not asked.
local function marked()
  if asked then
    return redis.call('SCARD', KEYS[FILTER]), added
  end
end
