-- ARGV: now, agent, call or '' (any), epoch or '', due only ('1': the clock asks), action (end | extend).
-- Returns false or {call, token, leg, started, ended or until, epoch}.
local agent, call = ARGV[2], ARGV[3]
local held = R('HGETALL', $slots .. agent)
for index = 1, #held, 2 do
  local token = held[index + 1]
  local key = $reservation .. token
  local r = R('HMGET', key, 'state', 'since', 'leg', 'epoch', 'cap_at')
  local member = agent .. '|' .. held[index]
  if r[1] == 'wrap_up' and (call == '' or call == held[index]) and (ARGV[4] == '' or ARGV[4] == r[4]) then
    local due = tonumber(R('ZSCORE', $wrapping, member) or 0)
    if ARGV[6] == 'extend' then
      R('ZADD', $wrapping, r[5], member)
      return { held[index], token, r[3], r[2], r[5], r[4] }
    end
    if ARGV[5] ~= '1' or due <= now then
      end_wrap_up(agent, held[index], token, ARGV[5])
      local ended = ARGV[5] == '1' and due or now
      return { held[index], token, r[3], r[2], exact(ended), r[4] }
    end
  end
end
if call ~= '' then R('ZREM', $wrapping, agent .. '|' .. call) end
return false
