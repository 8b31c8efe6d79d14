-- A Bloom filter that grows, in one string. It precedes the parts of the exchange.
-- KEYS[FILTER] the string; BITS, PROBES, PER_URL (bits per fingerprint) come from the class.
--
-- Bits 0 to 511 are a header of 16 numbers of 32 bits: the fingerprints in each layer. Behind it are the layers,
-- each eight times as large as the one before, up to 2^BITS bits in all. A layer takes one fingerprint for each
-- PER_URL bits; the last one takes all others, at a rising rate of false positives.
--
-- Probes: triple hashing (Dillinger and Manolios, 2004) on three words of the fingerprint itself.

local FIRST, HEADER = 16, 512
local counts, layers
local added = 0

local function layer_bits(i)
  return math.min(2 ^ (FIRST + 3 * i), 2 ^ BITS)
end

local function load_counts()
  local ask = {'BITFIELD', KEYS[FILTER]}
  for i = 0, 15 do
    ask[#ask + 1] = 'GET'; ask[#ask + 1] = 'u32'; ask[#ask + 1] = '#' .. i
  end
  counts, layers = redis.call(unpack(ask)), 1
  while layers < 16 and counts[layers + 1] > 0 do
    layers = layers + 1
  end
end

local function ask_layer(i, verb, a, b, c)
  local start, bits = HEADER, layer_bits(i)
  for before = 0, i - 1 do
    start = start + layer_bits(before)
  end
  local ask = {'BITFIELD', KEYS[FILTER]}
  for j = 0, PROBES - 1 do
    local at = (a + j * b + j * (j - 1) / 2 * c) % bits
    ask[#ask + 1] = verb; ask[#ask + 1] = 'u1'; ask[#ask + 1] = string.format('%d', start + at)
    if verb == 'SET' then
      ask[#ask + 1] = 1
    end
  end
  for _, bit in ipairs(redis.call(unpack(ask))) do
    if bit == 0 then
      return false
    end
  end
  return true
end

local function mark(fingerprint)
  if not counts then
    load_counts()
  end
  local a, b, c = struct.unpack('>I4I4I4', fingerprint)
  for i = 0, layers - 2 do
    if ask_layer(i, 'GET', a, b, c) then
      return false
    end
  end
  if counts[layers] >= layer_bits(layers - 1) / PER_URL and layer_bits(layers - 1) * 8 <= 2 ^ BITS and layers < 16 then
    if ask_layer(layers - 1, 'GET', a, b, c) then
      return false
    end
    layers = layers + 1
  end
  if ask_layer(layers - 1, 'SET', a, b, c) then
    return false
  end
  counts[layers] = counts[layers] + 1
  added = added + 1
  return true
end

-- Returns the number of marks, and how many of them this exchange has set; nothing if the filter was not asked.
local function marked()
  if not counts then
    return
  end
  local total = 0
  for i = 1, layers do
    total = total + counts[i]
  end
  if added > 0 then
    local ask = {'BITFIELD', KEYS[FILTER]}
    for i = 1, layers do
      ask[#ask + 1] = 'SET'; ask[#ask + 1] = 'u32'; ask[#ask + 1] = '#' .. (i - 1); ask[#ask + 1] = counts[i]
    end
    redis.call(unpack(ask))
  end
  return total, added
end
