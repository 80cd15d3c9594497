-- ARGV: now, token, seconds until the talk is checked. Returns false (over, or the caller has gone) or {call, agent, queue, waited, lost tokens}.
local token = ARGV[2]
local key = $reservation .. token
local r = R('HMGET', key, 'state', 'call', 'agent', 'queue', 'accepted_at', 'lost')
if r[1] == 'talking' then
  local arrived = R('HGET', $call .. r[2], 'arrived')
  return { r[2], r[3], r[4], exact(arrived and tonumber(r[5]) - tonumber(arrived) or 0), r[6] }
end
if r[1] ~= 'reserved' and r[1] ~= 'ringing' then return false end
local call, agent = r[2], r[3]
local c = R('HMGET', $call .. call, 'queue', 'opened', 'hoped', 'rings', 'tokens', 'arrived', 'listed')
if c[7] ~= '1' then return false end
R('HSET', $call .. call, 'listed', 0, 'tokens', token)
unlist(call, c[1], c[2], c[3], c[4])
R('HSET', key, 'state', 'talking', 'since', now, 'accepted_at', now)
R('ZREM', $leases, token)
R('ZADD', $talks, now + tonumber(ARGV[3]), agent .. '|' .. call)
R('HSET', $agent .. agent, 'missed', 0)
log('accepted', 'token', token, 'call', call, 'agent', agent, 'queue', r[4])
local lost = without(c[5], token)
R('HSET', key, 'lost', table.concat(lost, ' '))
for _, other in ipairs(lost) do end_offer(other, 'lost', 0, false, '') end
return { call, agent, r[4], exact(now - tonumber(c[6])), table.concat(lost, ' ') }
