-- ARGV: now, token, leg, margin. The phone rings: the lease now lasts as long as it may ring. Returns 1, or 0 where the offer is over.
local key = $reservation .. ARGV[2]
local r = R('HMGET', key, 'state', 'ring', 'call', 'agent')
if r[1] == 'ringing' then
  if ARGV[3] ~= '' then R('HSET', key, 'leg', ARGV[3]) end
  return 1
end
if r[1] ~= 'reserved' then return (r[1] == 'talking' or r[1] == 'wrap_up') and 1 or 0 end
R('HSET', key, 'state', 'ringing', 'since', now, 'leg', ARGV[3])
log('ringing', 'call', r[3], 'agent', r[4], 'token', ARGV[2])
R('ZADD', $leases, now + tonumber(r[2]) + tonumber(ARGV[4]), ARGV[2])
return 1
