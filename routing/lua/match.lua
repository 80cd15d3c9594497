-- ARGV: now, nonce, limit, several ('1': some agent takes more than one call at a time).
-- Looks at what was touched and claims pairs; returns the time and one text per reservation, its parts divided by \31: token, call,
-- agent, epoch, address, queue, arrived, ring and lease seconds, kind. Written for few server calls and few numbers turned into text:
-- each call costs a microsecond.
local nonce, limit, several = ARGV[2], tonumber(ARGV[3]), ARGV[4] == '1'
local stamp = exact(now)
local out, claims = {}, {}

-- A signature reads <clock><free agents to keep back>-<id>.
local function allowed(signature)
  if string.byte(signature, 2) == 48 then return true end
  return R('ZCARD', $idle .. signature) > tonumber(string.match(signature, '^%a(%d+)'))
end

-- First call waiting, or first agent free, that the other side does not hold already (which only an agent with several calls can).
local function first_call(signature, agent)
  if not several then return R('ZRANGE', $waiting .. signature, 0, 0)[1] end
  for _, call in ipairs(R('ZRANGE', $waiting .. signature, 0, 2)) do
    if R('HEXISTS', $slots .. agent, call) == 0 then return call end
  end
  return nil
end

local function first_agent(signature, call)
  if not several then return R('ZRANGE', $idle .. signature, 0, 0)[1] end
  for _, agent in ipairs(R('ZRANGE', $idle .. signature, 0, 2)) do
    if R('HEXISTS', $slots .. agent, call) == 0 then return agent end
  end
  return nil
end

local function urgency_of(call)
  local c = R('HMGET', $call .. call, 'offset', 'slope', 'origin', 'crowd', 'share', 'queue')
  local urgency = c[1] + c[2] * (now - c[3])
  if c[4] ~= '0.0' then urgency = urgency + c[4] * (R('ZCARD', $queue .. c[6]) - c[5] * R('ZCARD', $all)) end
  return urgency
end

-- The agent's fields that a match needs, with the signatures joined. Their names are kept in the agent's own hash too, so that
-- one call reads all; whoever changes them takes that copy away.
local function standing_of(agent)
  local a = R('HMGET', $agent .. agent, 'idle', 'joins', 'epoch', 'load', 'address', 'cap')
  if a[2] then
    a.joined = words(a[2])
  else
    a.joined = R('HKEYS', $joined .. agent)
    if a[1] then R('HSET', $agent .. agent, 'joins', table.concat(a.joined, ' ')) end
  end
  return a
end

-- The most urgent waiting call that this free agent may take.
local function most_urgent(agent, joined)
  if #joined == 0 then return nil end
  local best, best_urgency
  -- Few signatures are looked at straight away; of many, only those with callers.
  local busy = #joined > 2 and R('SMISMEMBER', $busy, unpack(joined))
  for index, signature in ipairs(joined) do
    if (not busy or busy[index] == 1) and allowed(signature) then
      local call = first_call(signature, agent)
      if call and not best then
        best = call
      elseif call and call ~= best then
        best_urgency = best_urgency or urgency_of(best)
        local urgency = urgency_of(call)
        if urgency > best_urgency or (urgency == best_urgency and call < best) then best, best_urgency = call, urgency end
      end
    end
  end
  return best
end

-- The best free agent for this call: of the earliest opening that has one.
local function best_agent(call, opened)
  for _, signature in ipairs(opened) do
    if allowed(signature) then
      local agent = first_agent(signature, call)
      if agent then return agent end
    end
  end
  return nil
end

-- The call's opened signatures, offers, most offers, and `told` (what the caller of `match` is told of it), or nil where it wants no agent now.
local function wants(call)
  local c = R('HMGET', $call .. call, 'listed', 'opened', 'tokens', 'at_once', 'told')
  if c[1] ~= '1' then return nil end
  local held, most = c[3] == '' and 0 or #words(c[3]), c[4] == '1' and 1 or tonumber(c[4])
  if held >= most then return nil end
  return { opened = words(c[2]), tokens = c[3], left = most - held, told = c[5] }
end

local function claim(call, c, agent, a, seed)
  local key = $agent .. agent
  local epoch = math.max(a[3] + 1, math.floor(now * 1000))
  local token = string.format('%x-%s%x', epoch, nonce, #out)
  local queue, ring, lease = string.match(c.told, '^([^\31]*)\31[^\31]*\31([^\31]*)\31([^\31]*)')
  epoch = string.format('%d', epoch)
  R('HSET', $reservation .. token, 'call', call, 'agent', agent, 'queue', queue, 'epoch', epoch, 'state', 'reserved', 'claimed_at', stamp, 'ring', ring)
  R('ZADD', $leases, now + lease, token)
  R('HSET', $slots .. agent, call, token)
  local load = a[4] + 1
  local idle = load < tonumber(a[6]) and '1' or '0'
  if load == 1 then
    R('HSET', key, 'epoch', epoch, 'offered', stamp, 'load', '1', 'idle', idle, 'busy_at', stamp)
  else
    R('HSET', key, 'epoch', epoch, 'offered', stamp, 'load', load, 'idle', idle)
  end
  if idle == '0' then
    for _, one in ipairs(a.joined) do R('ZREM', $idle .. one, agent) end
  end
  R('HSET', $call .. call, 'tokens', c.tokens == '' and token or c.tokens .. ' ' .. token)
  if c.left == 1 then wait_out(call, c.opened) else touch('c' .. call) end
  claims[#claims + 1] = call .. '\31' .. agent .. '\31' .. token .. '\31' .. seed
  out[#out + 1] = token .. '\31' .. call .. '\31' .. agent .. '\31' .. epoch .. '\31' .. a[5] .. '\31' .. c.told
  return idle == '1'
end

local function look_at(seed)
  local identity = string.sub(seed, 2)
  if string.byte(seed) == 97 then -- an agent: who is most urgent, and is this agent the best for that call?
    local a = standing_of(identity)
    local call = a[1] == '1' and most_urgent(identity, a.joined)
    local c = call and wants(call)
    local agent = c and best_agent(call, c.opened)
    if agent then
      local still_free = claim(call, c, agent, agent == identity and a or standing_of(agent), seed)
      if agent ~= identity or still_free then touch(seed) end
    end
    return
  end
  -- A call: is there an agent, and is this call the most urgent for that agent?
  local c = wants(identity)
  local agent = c and best_agent(identity, c.opened)
  if not agent then return end
  local a = standing_of(agent)
  local call = most_urgent(agent, a.joined)
  if call == identity then
    claim(call, c, agent, a, seed)
  elseif call then
    local other = wants(call)
    local chosen = best_agent(call, other.opened)
    if chosen then
      claim(call, other, chosen, chosen == agent and a or standing_of(chosen), seed)
      touch(seed)
    end
  end
end

local looked = 0
while #out < limit and looked < 4 * limit + 64 do
  -- Each seed makes one reservation at most.
  local seeds = R('ZPOPMIN', $touched, math.min(limit - #out, 32))
  if #seeds == 0 then break end
  for index = 1, #seeds, 2 do
    looked = looked + 1
    look_at(seeds[index])
  end
end
-- One entry with one field for all: an entry for each match, with a field for each part, takes several times as long.
if #claims > 0 then R('XADD', $log, 'MAXLEN', '~', '$LOG_LENGTH', '*', 'at', stamp, 'claims', table.concat(claims, '\30')) end
return { stamp, out }
