-- ARGV: now, token, seconds. The agent is held so long without the phone ringing. Returns 1, or 0 where the offer is over or rings already.
if R('HGET', $reservation .. ARGV[2], 'state') ~= 'reserved' then return 0 end
R('ZADD', $leases, now + tonumber(ARGV[3]), ARGV[2])
return 1
