-- ARGV: now, content, id, unused since. Forgets a signature that nobody hopes for and nobody used; its agents are cleared by the caller.
local last = tonumber(R('ZSCORE', $used, ARGV[3]) or 0)
if last > tonumber(ARGV[4]) or R('HGET', $signatures, ARGV[2]) ~= ARGV[3] .. '+' or R('EXISTS', $hoping .. ARGV[3]) == 1 then return 0 end
R('HDEL', $signatures, ARGV[2])
R('HDEL', $config, 's:' .. ARGV[3])
R('HDEL', $staffed, ARGV[3])
R('ZREM', $used, ARGV[3])
R('ZREM', $unstaffed, ARGV[3])
R('DEL', $idle .. ARGV[3])
return 1
