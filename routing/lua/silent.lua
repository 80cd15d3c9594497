-- ARGV: now, agent, seconds that a sign of life is good for. The browser went silent, unless a heartbeat came in between. Returns as vanish.
local due = R('ZSCORE', $beats, ARGV[2])
if not due or tonumber(due) > now then return { 0 } end
R('ZREM', $beats, ARGV[2])
return vanish(ARGV[2], 'no heartbeat', tonumber(due) - tonumber(ARGV[3]))
