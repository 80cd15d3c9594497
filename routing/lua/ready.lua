-- ARGV: now, agent. The agent's delay is over.
local due = R('ZSCORE', $ready, ARGV[2])
if not due or tonumber(due) > now then return 0 end
R('ZREM', $ready, ARGV[2])
refresh(ARGV[2])
return 1
