-- ARGV: now, id, dial token, result, state afterwards, due ('' none), attempts given back (0|1), keep seconds.
-- A result for another dial than the one in progress changes nothing.
local id = ARGV[2]
local key = $promise .. id
local p = R('HMGET', key, 'state', 'dial', 'number')
if p[2] ~= ARGV[3] or (p[1] ~= 'dialling' and p[1] ~= 'talking') or p[1] == ARGV[5] then return 0 end
R('HSET', key, 'state', ARGV[5], 'result', ARGV[4], 'changed_at', now)
if ARGV[7] == '1' then R('HINCRBY', key, 'attempts', -1) end
log('dial_ended', 'callback', id, 'result', ARGV[4], 'state', ARGV[5])
if ARGV[6] == '' then
  R('ZREM', $promises, id)
  R('SREM', $openly .. p[3], id)
  R('EXPIRE', key, ARGV[8])
else
  R('HSET', key, 'next_at', ARGV[6])
  R('ZADD', $promises, ARGV[6], id)
end
return 1
