-- ARGV: now, id, look again seconds. Takes a due callback in hand: 'wait' (it is its turn to wait in the queue), 'doubt' (a dial or
-- a talk whose end was never told), or false. It is due again after a while, so that a process that dies with it loses nothing.
local id = ARGV[2]
local due = R('ZSCORE', $promises, id)
if not due or tonumber(due) > now then return false end
local state = R('HGET', $promise .. id, 'state')
R('ZADD', $promises, now + tonumber(ARGV[3]), id)
if state == 'dialling' or state == 'talking' then return 'doubt' end
if state == 'scheduled' then
  R('HSET', $promise .. id, 'state', 'waiting', 'changed_at', now)
  log('promise_due', 'callback', id)
end
return 'wait'
