-- ARGV: now, agent. No longer in the configuration: signed out, and forgotten as soon as no call is held.
local agent = ARGV[2]
if not R('HGET', $agent .. agent, 'presence') then return 0 end
set_presence(agent, 'offline', 'removed from the configuration')
if R('HLEN', $slots .. agent) > 0 then return 0 end
log('retired', 'agent', agent)
R('DEL', $agent .. agent, $joined .. agent, $slots .. agent)
R('SREM', $agents, agent)
R('HDEL', $config, 'a:' .. agent)
R('ZREM', $beats, agent)
R('ZREM', $ready, agent)
return 1
