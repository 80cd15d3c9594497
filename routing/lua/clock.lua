-- `now` in seconds: the caller's clock where one is given (tests, replay), else the server's, which all processes share.
local R = redis.call
local now = tonumber(ARGV[1])
if not now then
  local t = R('TIME')
  now = tonumber(t[1]) + tonumber(t[2]) / 1000000
end
-- For answers and texts: 17 digits keep every bit of a double, Lua's own tostring keeps 14. (The server writes numbers given to it exactly.)
local function exact(number) return string.format('%.17g', number) end
local function log(kind, ...)
  R('XADD', $log, 'MAXLEN', '~', '$LOG_LENGTH', '*', 'kind', kind, 'at', now, ...)
end
-- What changed is looked at by the next match; the set's scores keep the order of changes.
local function touch(member) R('ZADD', $touched, 'NX', now, member) end
