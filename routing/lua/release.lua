-- ARGV: now, token, result, delay, counts, presence, accepted ('1': the agent accepted but the caller never heard the agent),
--       longest wait from now on.
local state = R('HGET', $reservation .. ARGV[2], 'state')
if ARGV[7] == '1' and state == 'talking' then
  -- The caller is still on the line and goes back to the old place.
  local call = R('HGET', $reservation .. ARGV[2], 'call')
  local c = R('HMGET', $call .. call, 'queue', 'hoped', 'rings', 'place', 'arrived', 'gone', 'listed', 'tokens')
  if c[1] and c[6] ~= '1' and c[7] ~= '1' and c[8] == ARGV[2] then
    R('PERSIST', $call .. call)
    R('HSET', $call .. call, 'listed', 1, 'opened', c[2])
    R('ZADD', $queue .. c[1], c[4], call)
    R('ZADD', $all, c[5], call)
    R('ZADD', $overdue, now + tonumber(ARGV[8]), call)
    for _, signature in ipairs(words(c[2])) do R('SADD', $hoping .. signature, call) end
    log('returned', 'call', call, 'queue', c[1])
  end
elseif state ~= 'reserved' and state ~= 'ringing' then
  return false
end
return end_offer(ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5] == '1', ARGV[6])
