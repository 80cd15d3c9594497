-- ARGV: now, call|signature (or call|*: the caller has starved). A ring opens; the place is kept.
local member = ARGV[2]
local due = R('ZSCORE', $rings, member)
if not due or tonumber(due) > now then return 0 end
R('ZREM', $rings, member)
local call, signature = string.match(member, '^(.*)|([^|]*)$')
local c = R('HMGET', $call .. call, 'opened', 'listed', 'place', 'starved_place', 'starved_offset', 'tokens', 'at_once', 'queue')
if c[2] ~= '1' then return 0 end
local opened, place = c[1], c[3]
if signature == '*' then
  place = c[4]
  R('HSET', $call .. call, 'place', place, 'offset', c[5])
  R('ZADD', $queue .. c[8], place, call)
else
  opened = opened == '' and signature or opened .. ' ' .. signature
  R('HSET', $call .. call, 'opened', opened)
end
log('opened', 'call', call, 'signature', signature)
if #words(c[6]) < tonumber(c[7]) then wait_in(call, opened, place) end
return 1
