-- ARGV: now, agent, seconds. Only a signed-in agent is watched.
local presence = R('HGET', $agent .. ARGV[2], 'presence')
if signed_in(presence) then R('ZADD', $beats, now + tonumber(ARGV[3]), ARGV[2]) end
return presence
