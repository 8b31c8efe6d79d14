-- The exact filter: a set of fingerprints. Stands before the parts of the exchange.
-- KEYS[FILTER] the set.

local function mark(fingerprint)
  return redis.call('SADD', KEYS[FILTER], fingerprint) == 1
end

local function marked()
end
