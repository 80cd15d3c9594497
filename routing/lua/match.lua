-- ARGV: now, nonce, limit, several ('1': some agent takes more than one call at a time).
-- Looks at what was touched and claims pairs; returns the time and one list per reservation. Written for few server calls: each costs a microsecond.
local nonce, limit, several = ARGV[2], tonumber(ARGV[3]), ARGV[4] == '1'
local out = {}

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

-- The most urgent waiting call that this free agent may take, and the signatures the agent is in.
local function most_urgent(agent)
  local joined = R('HKEYS', $joined .. agent)
  if #joined == 0 then return nil, joined end
  local best, best_urgency
  for index, busy in ipairs(R('SMISMEMBER', $busy, unpack(joined))) do
    if busy == 1 and allowed(joined[index]) then
      local call = first_call(joined[index], agent)
      if call and not best then
        best = call
      elseif call and call ~= best then
        best_urgency = best_urgency or urgency_of(best)
        local urgency = urgency_of(call)
        if urgency > best_urgency or (urgency == best_urgency and call < best) then best, best_urgency = call, urgency end
      end
    end
  end
  return best, joined
end

-- The best free agent for this call: of the earliest opening that has one.
local function best_agent(call, opened)
  for _, signature in ipairs(opened) do
    if allowed(signature) then
      local agent = first_agent(signature, call)
      if agent then return agent, signature end
    end
  end
  return nil
end

-- The call's opened signatures, offers, most offers, queue, arrival, ring and lease seconds, or nil where it wants no agent now.
local function wants(call)
  local c = R('HMGET', $call .. call, 'opened', 'tokens', 'at_once', 'listed', 'queue', 'arrived', 'ring', 'lease', 'kind')
  if c[4] ~= '1' then return nil end
  c.opened = words(c[1])
  c.held = c[2] == '' and 0 or #words(c[2])
  c.most = tonumber(c[3])
  if c.held >= c.most then return nil end
  return c
end

local function claim(call, c, agent, joined, signature, seed)
  local key = $agent .. agent
  local a = R('HMGET', key, 'epoch', 'load', 'address', 'cap')
  local epoch = math.max(a[1] + 1, math.floor(now * 1000))
  local token = string.format('%x-%s%x', epoch, nonce, #out)
  R('HSET', $reservation .. token, 'call', call, 'agent', agent, 'queue', c[5], 'epoch', epoch, 'state', 'reserved', 'claimed_at', now, 'ring', c[7])
  R('ZADD', $leases, now + c[8], token)
  R('HSET', $slots .. agent, call, token)
  local load = a[2] + 1
  local idle = load < tonumber(a[4]) and 1 or 0
  if load == 1 then
    R('HSET', key, 'epoch', epoch, 'offered', now, 'load', load, 'idle', idle, 'busy_at', now)
  else
    R('HSET', key, 'epoch', epoch, 'offered', now, 'load', load, 'idle', idle)
  end
  if idle == 0 then
    for _, one in ipairs(joined or R('HKEYS', $joined .. agent)) do R('ZREM', $idle .. one, agent) end
  end
  R('HSET', $call .. call, 'tokens', c.held == 0 and token or c[2] .. ' ' .. token)
  if c.held + 1 >= c.most then wait_out(call, c[1]) else touch('c' .. call) end
  -- One field instead of four: half the time of the entry.
  R('XADD', $log, 'MAXLEN', '~', '$LOG_LENGTH', '*', 'at', now, 'claim', call .. '\31' .. agent .. '\31' .. token .. '\31' .. seed)
  out[#out + 1] = { token, call, agent, c[5], epoch, c[8], c[7], a[3], c[6], c[9] }
  return idle == 1
end

local looked = 0
while #out < limit and looked < 4 * limit + 64 do
  local seed = R('ZPOPMIN', $touched)[1]
  if not seed then break end
  looked = looked + 1
  local identity = string.sub(seed, 2)
  if string.byte(seed) == 97 then -- an agent: who is most urgent, and is this agent the best for that call?
    local call, joined
    if R('HGET', $agent .. identity, 'idle') == '1' then call, joined = most_urgent(identity) end
    local c = call and wants(call)
    if c then
      local agent, signature = best_agent(call, c.opened)
      if agent then
        local still_free = claim(call, c, agent, agent == identity and joined, signature, seed)
        if agent ~= identity or still_free then touch(seed) end
      end
    end
  else -- a call: is there an agent, and is this call the most urgent for that agent?
    local c = wants(identity)
    local agent, signature
    if c then agent, signature = best_agent(identity, c.opened) end
    if agent then
      local call, joined = most_urgent(agent)
      if call == identity then
        claim(call, c, agent, joined, signature, seed)
      elseif call then
        local other = wants(call)
        local chosen, by = best_agent(call, other.opened)
        if chosen then
          claim(call, other, chosen, chosen == agent and joined, by, seed)
          touch(seed)
        end
      end
    end
  end
end
return { exact(now), out }
