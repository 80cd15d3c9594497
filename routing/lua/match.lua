-- ARGV: now, nonce, limit. Looks at what was touched and claims pairs; returns one list per reservation.
local nonce, limit = ARGV[2], tonumber(ARGV[3])
local out = {}

local function allowed(signature)
  local keep = tonumber(string.match(signature, '^%a(%d+)'))
  return keep == 0 or R('ZCARD', $idle .. signature) > keep
end

-- The most urgent waiting call that this free agent may take.
local function most_urgent(agent)
  local signatures = {}
  if R('SCARD', $busy) <= R('HLEN', $joined .. agent) then
    local busy = R('SMEMBERS', $busy)
    if #busy == 0 then return nil end
    local joined = R('HMGET', $joined .. agent, unpack(busy))
    for index, fixed in ipairs(joined) do if fixed then signatures[#signatures + 1] = busy[index] end end
  else
    signatures = R('HKEYS', $joined .. agent)
  end
  local best, best_urgency
  local seen = {}
  for _, signature in ipairs(signatures) do
    if allowed(signature) then
      for _, call in ipairs(R('ZRANGE', $waiting .. signature, 0, 2)) do
        if R('HEXISTS', $slots .. agent, call) == 0 then
          if not seen[call] then
            seen[call] = true
            local c = R('HMGET', $call .. call, 'offset', 'slope', 'origin', 'crowd', 'share', 'queue')
            local urgency = tonumber(c[1]) + tonumber(c[2]) * (now - tonumber(c[3]))
            local crowd = tonumber(c[4])
            if crowd ~= 0 then
              urgency = urgency + crowd * (R('ZCARD', $queue .. c[6]) - tonumber(c[5]) * R('ZCARD', $all))
            end
            if not best or urgency > best_urgency or (urgency == best_urgency and call < best) then
              best, best_urgency = call, urgency
            end
          end
          break
        end
      end
    end
  end
  return best
end

-- The best free agent for this call: of the earliest opening that has one.
local function best_agent(call, opened)
  for _, signature in ipairs(words(opened)) do
    if allowed(signature) then
      for _, agent in ipairs(R('ZRANGE', $idle .. signature, 0, 2)) do
        if R('HEXISTS', $slots .. agent, call) == 0 then return agent, signature end
      end
    end
  end
  return nil
end

local function wants(call)
  local c = R('HMGET', $call .. call, 'opened', 'tokens', 'at_once', 'listed', 'queue', 'arrived', 'ring', 'lease')
  if c[4] ~= '1' then return nil end
  c.held = #words(c[2])
  c.most = tonumber(c[3])
  if c.held >= c.most then return nil end
  return c
end

local function claim(call, c, agent, signature, seed)
  local key = $agent .. agent
  local a = R('HMGET', key, 'epoch', 'load', 'address')
  local epoch = math.max(tonumber(a[1]) + 1, math.floor(now * 1000))
  local token = string.format('%x-%s%x', epoch, nonce, #out)
  local until_at = now + tonumber(c[8])
  R('HSET', $reservation .. token, 'call', call, 'agent', agent, 'queue', c[5], 'epoch', epoch, 'state', 'reserved', 'since', exact(now),
    'claimed_at', exact(now), 'ring', c[7], 'leg', '')
  R('ZADD', $leases, until_at, token)
  R('HSET', $slots .. agent, call, token)
  R('HSET', key, 'epoch', epoch, 'offered', exact(now), 'load', tonumber(a[2]) + 1)
  if a[2] == '0' then R('HSET', key, 'busy_at', exact(now)) end
  refresh(agent)
  R('HSET', $call .. call, 'tokens', c.held == 0 and token or c[2] .. ' ' .. token)
  if c.held + 1 >= c.most then wait_out(call, c[1]) else touch('c' .. call) end
  log('claimed', 'call', call, 'agent', agent, 'token', token, 'signature', signature, 'seed', seed)
  out[#out + 1] = { token, call, agent, c[5], exact(epoch), exact(until_at), c[7], a[3], exact(now - tonumber(c[6])) }
end

local looked = 0
while #out < limit and looked < 4 * limit + 64 do
  local seed = R('ZPOPMIN', $touched)[1]
  if not seed then break end
  looked = looked + 1
  local identity = string.sub(seed, 2)
  local call, agent
  if string.sub(seed, 1, 1) == 'a' then
    if R('HGET', $agent .. identity, 'idle') == '1' then call = most_urgent(identity) end
  else
    local c = wants(identity)
    if c then
      agent = best_agent(identity, c[1])
      if agent then call = most_urgent(agent) end
    end
  end
  if call then
    local c = wants(call)
    local chosen, signature = best_agent(call, c[1])
    if chosen then
      claim(call, c, chosen, signature, seed)
      -- Whoever was looked at and not served now is looked at again, until there is nothing to match.
      if string.sub(seed, 1, 1) == 'a' then
        if chosen ~= identity or R('HGET', $agent .. identity, 'idle') == '1' then touch(seed) end
      elseif call ~= identity then
        touch(seed)
      end
    end
  end
end
return out
