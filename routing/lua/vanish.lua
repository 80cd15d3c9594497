-- The agent is gone without a word: no offers, and no wrap-up beyond the last sign of life (`seen`). What the agent was is kept for the way
-- back (beat). Returns {was signed in, then call, leg, started, ended of each wrap-up that is over by this}.
local function vanish(agent, reason, seen)
  local before = R('HMGET', $agent .. agent, 'presence', 'reason')
  if not signed_in(before[1]) then return { 0 } end
  local over = { 1 }
  local held = R('HGETALL', $slots .. agent)
  for index = 1, #held, 2 do
    local r = R('HMGET', $reservation .. held[index + 1], 'state', 'since', 'leg')
    if r[1] == 'wrap_up' then
      end_wrap_up(agent, held[index], held[index + 1], '0')
      for _, part in ipairs({ held[index], r[3] or '', r[2], exact(math.max(tonumber(r[2]), seen)) }) do over[#over + 1] = part end
    end
  end
  set_presence(agent, 'unreachable', reason)
  R('HSET', $agent .. agent, 'was', before[1], 'was_reason', before[2] or '')
  return over
end
