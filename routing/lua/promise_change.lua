-- ARGV: now, id, state wanted (scheduled | cancelled), due, json ('' unchanged), by, keep seconds. Not while it is dialled or talked to.
local id = ARGV[2]
local key = $promise .. id
local p = R('HMGET', key, 'state', 'number')
if not p[1] then return 'unknown' end
if p[1] ~= 'scheduled' and p[1] ~= 'waiting' then return p[1] end
R('HSET', key, 'state', ARGV[3], 'by', ARGV[6], 'changed_at', now)
if ARGV[5] ~= '' then R('HSET', key, 'json', ARGV[5]) end
log('promise_changed', 'callback', id, 'state', ARGV[3], 'by', ARGV[6])
if ARGV[3] == 'cancelled' then
  R('ZREM', $promises, id)
  R('SREM', $openly .. p[2], id)
  R('EXPIRE', key, ARGV[7])
else
  R('HSET', key, 'next_at', ARGV[4])
  R('ZADD', $promises, ARGV[4], id)
end
return 'done'
