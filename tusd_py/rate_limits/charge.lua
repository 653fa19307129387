-- domain.rate.charged, by Redis' own clock, so that all servers have the same.
-- KEYS: the key. ARGV: cost, burst (seconds); '1': only if nothing is owed then.
-- Returns the wait in seconds, as a text.
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1e6
local cost, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local paid = tonumber(redis.call('GET', KEYS[1]) or '0')
local till = math.max(paid, now - burst) + cost
local wait = math.max(0, till - now)
if ARGV[3] ~= '1' or wait == 0 then
  redis.call('SET', KEYS[1], string.format('%.6f', till), 'PX', math.ceil((wait + burst + 1) * 1000))
end
return string.format('%.6f', wait)
