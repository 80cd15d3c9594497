-- call | its fields; openings as pairs (after seconds, content of the signature). Returns {code, position}.
-- Longest wait and silence are '' for callbacks: nobody is on the line.
-- ARGV: now, call, queue, json, arrived, place, offset, slope, origin, crowd, share, ring, at_once, capacity, longest, silence,
--       starves_after or '', starved_place, starved_offset, lease, n, then n pairs
local call, queue = ARGV[2], ARGV[3]
local held = R('HMGET', $call .. call, 'listed', 'told_arrival', 'queue', 'gone', 'tokens')
if held[1] == '1' then return { 'accepted', R('ZRANK', $queue .. held[3], call) } end
-- The same waiting, told late or twice, after the caller left. A new waiting of the same call arrives later than the old one did;
-- a call that an agent accepted may come back with its old arrival, and so into its old place.
local same = held[2] and tonumber(ARGV[5]) <= tonumber(held[2])
if same and held[4] == '1' then return { 'gone', 0 } end
-- While that agent still talks to the caller, the old arrival is an old message.
if same and held[5] and R('HGET', $reservation .. held[5], 'state') == 'talking' then return { 'gone', 0 } end
local opened, hoped, rings, due, staffed = {}, {}, {}, {}, 0
-- A clock that goes ahead of ours would have the caller arrive in the future, and wait for it.
local ahead = math.max(0, ARGV[5] - now)
local arrived = ARGV[5] - ahead
local place = ARGV[6] - ahead
local first_at = 22
for index = 0, tonumber(ARGV[21]) - 1 do
  local after, content = ARGV[first_at + 2 * index], ARGV[first_at + 1 + 2 * index]
  local signature = R('HGET', $signatures, content)
  if not signature or string.sub(signature, -1) ~= '+' then return { 'unjoined', content } end
  signature = string.sub(signature, 1, -2)
  staffed = staffed + tonumber(R('HGET', $staffed, signature) or 0)
  hoped[#hoped + 1] = signature
  if arrived + tonumber(after) <= now then
    opened[#opened + 1] = signature
  else
    rings[#rings + 1] = signature
    due[#due + 1] = arrived + tonumber(after)
  end
end
if staffed <= 0 then return { 'nobody', 0 } end
if R('ZCARD', $queue .. queue) >= tonumber(ARGV[14]) then return { 'full', 0 } end
local ring_names = {}
for index, signature in ipairs(rings) do
  R('ZADD', $rings, due[index], call .. '|' .. signature)
  ring_names[index] = signature
end
if ARGV[17] ~= '' then
  R('ZADD', $rings, arrived + tonumber(ARGV[17]), call .. '|*')
  ring_names[#ring_names + 1] = '*'
end
for _, signature in ipairs(hoped) do
  R('SADD', $hoping .. signature, call)
  R('ZADD', $used, now, signature)
end
R('PERSIST', $call .. call)
local kind = ARGV[16] == '' and 'callback' or 'call'
R('HSET', $call .. call, 'told', table.concat({ queue, exact(arrived), ARGV[12], ARGV[20], kind }, '\31'), 'queue', queue, 'json', ARGV[4], 'arrived', arrived, 'told_arrival', ARGV[5], 'place', place, 'offset', ARGV[7], 'slope', ARGV[8],
  'origin', ARGV[9] - ahead, 'crowd', ARGV[10], 'share', ARGV[11], 'at_once', ARGV[13], 'starved_place', ARGV[18] - ahead,
  'starved_offset', ARGV[19], 'opened', table.concat(opened, ' '), 'hoped', table.concat(hoped, ' '),
  'rings', table.concat(ring_names, ' '), 'tokens', '', 'listed', 1, 'gone', 0, 'kind', kind)
R('ZADD', $queue .. queue, place, call)
R('ZADD', $all, arrived, call)
if ARGV[15] ~= '' then R('ZADD', $overdue, arrived + tonumber(ARGV[15]), call) end
if ARGV[16] ~= '' then R('ZADD', $alive, now + tonumber(ARGV[16]), call) end
wait_in(call, table.concat(opened, ' '), place)
R('ZADD', $entered, 'NX', now, call)
R('ZADD', $reentered, now, call)
for _, index in ipairs({ $entered, $reentered }) do R('EXPIRE', index, 604800) end
log('entered', 'call', call, 'queue', queue, 'json', ARGV[4], 'arrived', arrived, 'opened', table.concat(opened, ' '), 'hoped', table.concat(hoped, ' '))
return { 'accepted', R('ZRANK', $queue .. queue, call) }
