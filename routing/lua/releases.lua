-- Ends an offer. Returns queue, agent, call, seconds since the claim, leg id, agent's presence, whether the call still waits.
-- `delay`: seconds without offers; `counts`: towards the missed offers; `presence`: '' leaves it as it is.
local function without(list, token)
  local kept = {}
  for _, one in ipairs(words(list)) do if one ~= token then kept[#kept + 1] = one end end
  return kept
end

local function end_offer(token, result, delay, counts, presence)
  local key = $reservation .. token
  local r = R('HMGET', key, 'state', 'agent', 'call', 'queue', 'since', 'leg', 'claimed_at')
  local agent, call = r[2], r[3]
  R('HSET', key, 'state', 'ended', 'result', result)
  R('EXPIRE', key, 3600)
  R('ZREM', $leases, token)
  R('ZREM', $talks, agent .. '|' .. call)
  local costs = delay > 0 or counts
  drop_slot(agent, call, costs)
  if costs then
    R('HSET', $agent .. agent, 'free_at', now + delay)
    if delay > 0 then R('ZADD', $ready, now + delay, agent) end
  end
  if counts then R('HINCRBY', $agent .. agent, 'missed', 1) end
  local waits = 0
  local c = R('HMGET', $call .. call, 'tokens', 'opened', 'place', 'queue', 'listed', 'at_once')
  if c[1] then
    local kept = without(c[1], token)
    R('HSET', $call .. call, 'tokens', table.concat(kept, ' '))
    if c[5] == '1' then
      waits = 1
      if #kept < tonumber(c[6]) then wait_in(call, c[2], c[3]) end
    end
  end
  log('released', 'token', token, 'agent', agent, 'call', call, 'queue', r[4], 'result', result, 'delay', exact(delay))
  if presence ~= '' and R('HGET', $agent .. agent, 'presence') == 'available' then
    set_presence(agent, presence, result)
  else
    refresh(agent)
  end
  local state = R('HGET', $agent .. agent, 'presence')
  return { r[4], agent, call, exact(now - tonumber(r[7])), r[6] or '', state, waits }
end
