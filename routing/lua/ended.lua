-- ARGV: now, agent, call, token or '', wrap-up seconds, cap seconds. Talk to wrap-up, or to free; an agent who is not there has no wrap-up. Returns false or {token, epoch, started, ends, cap, leg}.
local agent, call = ARGV[2], ARGV[3]
local token = R('HGET', $slots .. agent, call)
if not token or (ARGV[4] ~= '' and ARGV[4] ~= token) then return false end
local key = $reservation .. token
local r = R('HMGET', key, 'state', 'epoch', 'leg')
if r[1] ~= 'talking' then return false end
R('ZREM', $talks, agent .. '|' .. call)
local seconds = R('HGET', $agent .. agent, 'presence') == 'unreachable' and 0 or tonumber(ARGV[5])
log('talk_ended', 'call', call, 'agent', agent, 'token', token, 'wrap_up', exact(seconds))
if seconds <= 0 then
  R('HSET', key, 'state', 'ended', 'result', 'talked')
  R('EXPIRE', key, 3600)
  drop_slot(agent, call, true)
  refresh(agent)
else
  R('HSET', key, 'state', 'wrap_up', 'since', now, 'cap_at', now + tonumber(ARGV[6]))
  R('ZADD', $wrapping, now + seconds, agent .. '|' .. call)
end
return { token, r[2], exact(now), exact(now + seconds), exact(now + tonumber(ARGV[6])), r[3] }
