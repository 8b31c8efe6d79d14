-- Keep the cookies that this worker has set. Each is an entry of its own: workers that set different cookies of one
-- jar don't overwrite each other.
-- KEYS: COOKIES, META

local COOKIES_OF_A_JAR = 500 -- the middleware keeps fewer: a limit against endless names

local function store_cookies()
  local jars, counts = {}, {}
  for _, change in ipairs(cookies) do
    local jar, name, value = unpack(change, 1, 3)
    if not jars[jar] then
      local packed = call('HGET', COOKIES, jar)
      local is_whole, values = pcall(cmsgpack.unpack, packed or '\128')
      jars[jar], counts[jar] = is_whole and type(values) == 'table' and values or {}, 0
      for _ in pairs(jars[jar]) do
        counts[jar] = counts[jar] + 1
      end
    end
    if jars[jar][name] == nil and value ~= '' then
      counts[jar] = counts[jar] + 1
    end
    if value == '' then
      jars[jar][name] = nil
    elseif counts[jar] <= COOKIES_OF_A_JAR then
      jars[jar][name] = value
    end
  end
  for jar, values in pairs(jars) do
    call('HSET', COOKIES, jar, cmsgpack.pack(values))
  end
end

if #cookies > 0 then
  store_cookies()
  cookies_version = call('HINCRBY', META, 'cookies', 1)
end
