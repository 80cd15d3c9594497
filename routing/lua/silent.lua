-- ARGV: now, agent. The browser went silent, unless a heartbeat came in between. Returns 1 where the agent is now unreachable.
local due = R('ZSCORE', $beats, ARGV[2])
if not due or tonumber(due) > now then return 0 end
R('ZREM', $beats, ARGV[2])
if not signed_in(R('HGET', $agent .. ARGV[2], 'presence')) then return 0 end
set_presence(ARGV[2], 'unreachable', 'no heartbeat')
return 1
