-- ARGV: now, call, result. Ends the call's offers (costing their agents nothing) and forgets it. Returns false or {queue, waited, tokens}.
local call = ARGV[2]
local c = R('HMGET', $call .. call, 'queue', 'arrived', 'opened', 'hoped', 'rings', 'tokens', 'listed')
if c[7] ~= '1' then
  if c[7] then R('HSET', $call .. call, 'listed', 0, 'gone', 1) end
  return false
end
R('HSET', $call .. call, 'listed', 0, 'gone', 1)
unlist(call, c[1], c[3], c[4], c[5])
log('left', 'call', call, 'queue', c[1], 'result', ARGV[3])
for _, token in ipairs(words(c[6])) do end_offer(token, 'caller_left', 0, false, '') end
return { c[1], exact(now - tonumber(c[2])), c[6] }
