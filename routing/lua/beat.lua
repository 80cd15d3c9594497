-- ARGV: now, agent, seconds. Only a signed-in agent is watched; one who vanished is back, as before.
local agent = ARGV[2]
local f = R('HMGET', $agent .. agent, 'presence', 'was', 'was_reason')
if f[1] == 'unreachable' and f[2] then
  set_presence(agent, f[2], f[3])
  f[1] = f[2]
end
if signed_in(f[1]) then R('ZADD', $beats, now + tonumber(ARGV[3]), agent) end
return f[1]
