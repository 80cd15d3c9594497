-- Keeps an agent in the sets of free agents, one per signature joined, exactly while the agent may be offered a call.
local function refresh(agent)
  local f = R('HMGET', $agent .. agent, 'presence', 'load', 'cap', 'free_at', 'idle', 'idle_since', 'signed_at', 'busy_s', 'offered')
  if not f[1] then return false end
  local free = f[1] == 'available' and tonumber(f[2]) < tonumber(f[3]) and tonumber(f[4]) <= now
  if free == (f[5] == '1') then return free end
  if not free then
    R('HSET', $agent .. agent, 'idle', 0)
    for _, signature in ipairs(R('HKEYS', $joined .. agent)) do R('ZREM', $idle .. signature, agent) end
    log('busy', 'agent', agent)
    return false
  end
  local since = tonumber(f[6])
  local signed = now - tonumber(f[7])
  local occupancy = signed > 0 and math.min(1, tonumber(f[8]) / signed) or 0
  local clocks = { i = since, o = math.floor(occupancy * 1000 + 0.5) * $OCCUPANCY_STEP + since, r = tonumber(f[9]) }
  R('HSET', $agent .. agent, 'idle', 1)
  local joined = R('HGETALL', $joined .. agent)
  for at = 1, #joined, 2 do
    R('ZADD', $idle .. joined[at], tonumber(joined[at + 1]) + clocks[string.sub(joined[at], 1, 1)], agent)
  end
  log('free', 'agent', agent, 'idle_since', f[6], 'occupancy', exact(occupancy), 'offered', f[9])
  touch('a' .. agent)
  return true
end

local function signed_in(presence) return presence == 'available' or presence == 'break' end

local function count_staff(signature, change)
  local staffed = R('HINCRBY', $staffed, signature, change)
  if staffed <= 0 then R('ZADD', $unstaffed, 'NX', now, signature) else R('ZREM', $unstaffed, signature) end
end

-- Changes what the agent wants to be. Coming (back) to available forgives missed offers and starts a new idle spell.
local function set_presence(agent, presence, reason)
  local key = $agent .. agent
  local f = R('HMGET', key, 'presence', 'epoch')
  local before = f[1]
  if before == presence then
    R('HSET', key, 'reason', reason)
    return
  end
  if signed_in(before) ~= signed_in(presence) then
    local change = signed_in(presence) and 1 or -1
    for _, signature in ipairs(R('HKEYS', $joined .. agent)) do count_staff(signature, change) end
    if change == 1 then R('HSET', key, 'signed_at', now, 'busy_s', 0) end
  end
  R('HDEL', key, 'was', 'was_reason')
  R('HSET', key, 'presence', presence, 'reason', reason, 'since', now, 'epoch', math.max(tonumber(f[2]) + 1, math.floor(now * 1000)))
  if presence == 'available' then
    R('HSET', key, 'missed', 0, 'free_at', 0, 'idle_since', now)
    R('ZREM', $ready, agent)
  else
    R('ZREM', $beats, agent)
  end
  log('presence', 'agent', agent, 'presence', presence, 'reason', reason)
  refresh(agent)
end

-- Takes a held call off the agent; `fresh`: a new idle spell begins (not after a lost race, which costs nothing).
local function drop_slot(agent, call, fresh)
  if R('HDEL', $slots .. agent, call) == 0 then return end
  local key = $agent .. agent
  if R('HINCRBY', key, 'load', -1) == 0 then
    R('HINCRBYFLOAT', key, 'busy_s', exact(math.max(0, now - tonumber(R('HGET', key, 'busy_at')))))
  end
  if fresh then R('HSET', key, 'idle_since', now) end
end

-- A wrap-up is over; `capped`: '1' where the clock ended it.
local function end_wrap_up(agent, call, token, capped)
  R('ZREM', $wrapping, agent .. '|' .. call)
  R('HSET', $reservation .. token, 'state', 'ended', 'result', 'talked')
  R('EXPIRE', $reservation .. token, 3600)
  drop_slot(agent, call, true)
  log('wrapped_up', 'call', call, 'agent', agent, 'token', token, 'capped', capped)
  refresh(agent)
end

-- Lets the agent into a signature ('' as standing: out of it). True where that changed something.
local function join(agent, signature, standing)
  local staff = signed_in(R('HGET', $agent .. agent, 'presence'))
  local before = R('HGET', $joined .. agent, signature)
  if (before or '') == standing then return false end
  if standing == '' then
    R('HDEL', $joined .. agent, signature)
    R('ZREM', $idle .. signature, agent)
    if staff then count_staff(signature, -1) end
  else
    R('HSET', $joined .. agent, signature, standing)
    if staff and not before then count_staff(signature, 1) end
  end
  R('HSET', $agent .. agent, 'joins', table.concat(R('HKEYS', $joined .. agent), ' '))
  return true
end

-- Writes a free agent anew into all sets, after the standings changed.
local function relist(agent)
  if R('HGET', $agent .. agent, 'idle') ~= '1' then return refresh(agent) end
  R('HSET', $agent .. agent, 'idle', 0)
  return refresh(agent)
end
