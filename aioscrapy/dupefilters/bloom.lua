-- A Bloom filter that grows, in one string. Stands before the parts of the exchange.
-- KEYS[FILTER] the string; BITS, PROBES, PER_URL (bits per fingerprint) come from the class.
--
-- Bits 0 to 511 are a header of 16 numbers of 32 bits: how many fingerprints each layer holds. Behind it lie
-- the layers, each eight times as large as the one before, up to 2^BITS bits in all. A layer takes one
-- fingerprint for each PER_URL bits; the last one takes all that come, at a rising rate of false positives.
--
-- Probes: triple hashing (Dillinger and Manolios, 2004) on three words of the fingerprint itself.

local FIRST, HEADER = 16, 512
local counts, layers, changed

local function layer_bits(i)
  return math.min(2 ^ (FIRST + 3 * i), 2 ^ BITS)
end

local function load()
  local ask = {'BITFIELD', KEYS[FILTER]}
  for i = 0, 15 do
    ask[#ask + 1] = 'GET'; ask[#ask + 1] = 'u32'; ask[#ask + 1] = '#' .. i
  end
  counts, layers, changed = redis.call(unpack(ask)), 1, false
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
    load()
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
  changed = true
  return true
end

local function marked()
  if not changed then
    return
  end
  local ask = {'BITFIELD', KEYS[FILTER]}
  for i = 1, layers do
    ask[#ask + 1] = 'SET'; ask[#ask + 1] = 'u32'; ask[#ask + 1] = '#' .. (i - 1); ask[#ask + 1] = counts[i]
  end
  redis.call(unpack(ask))
end
