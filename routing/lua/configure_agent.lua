-- ARGV: now, agent, capacity, address, json, then pairs (signature, fixed standing or '': not to be in it).
local agent = ARGV[2]
local key = $agent .. agent
R('SADD', $agents, agent)
if R('HSETNX', key, 'presence', 'offline') == 1 then
  R('HSET', key, 'since', now, 'epoch', math.floor(now * 1000), 'load', 0, 'free_at', 0, 'missed', 0, 'idle', 0, 'idle_since', now,
    'busy_s', 0, 'signed_at', exact(now), 'offered', 0, 'reason', '')
end
R('HSET', key, 'cap', ARGV[3], 'address', ARGV[4])
R('HSET', $config, 'a:' .. agent, ARGV[5])
R('HINCRBY', $config, 'version', 1)
log('agent', 'agent', agent, 'json', ARGV[5])
for index = 6, #ARGV, 2 do join(agent, ARGV[index], ARGV[index + 1]) end
relist(agent)
return 1
