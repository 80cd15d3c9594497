-- ARGV: now, then agents. Returns one list per agent: fields of the hash, then (call, token, state, since, leg, epoch, wrap-up end) for each call held.
local out = {}
for index = 2, #ARGV do
  local agent = ARGV[index]
  local f = R('HMGET', $agent .. agent, 'presence', 'since', 'epoch', 'reason', 'missed', 'free_at', 'idle', 'idle_since', 'signed_at', 'busy_s', 'offered', 'load', 'cap')
  local held = R('HGETALL', $slots .. agent)
  local slots = {}
  for at = 1, #held, 2 do
    local r = R('HMGET', $reservation .. held[at + 1], 'state', 'since', 'leg', 'epoch', 'claimed_at')
    slots[#slots + 1] = { held[at], held[at + 1], r[1] or '', r[2] or r[5] or '0', r[3] or '', r[4] or '0', R('ZSCORE', $wrapping, agent .. '|' .. held[at]) or '' }
  end
  out[#out + 1] = { agent, f, slots, exact(now) }
end
return out
