-- ARGV: now, id, json, number's hash, due, day, hour, most open, most per day, most per hour, state. Writes a callback down, once.
local id, number = ARGV[2], ARGV[4]
if R('EXISTS', $promise .. id) == 1 then return 'placed' end
if R('SCARD', $openly .. number) >= tonumber(ARGV[8]) then return 'open' end
local day, hour = $counted .. number .. ':' .. ARGV[6], $counted .. 'all:' .. ARGV[7]
if tonumber(R('GET', day) or 0) >= tonumber(ARGV[9]) then return 'per_day' end
if tonumber(R('GET', hour) or 0) >= tonumber(ARGV[10]) then return 'per_hour' end
R('INCR', day)
R('EXPIRE', day, 172800)
R('INCR', hour)
R('EXPIRE', hour, 7200)
R('HSET', $promise .. id, 'json', ARGV[3], 'number', number, 'state', ARGV[11], 'attempts', 0, 'next_at', ARGV[5], 'dial', '', 'leg', '',
  'result', '', 'by', '', 'changed_at', now)
R('ZADD', $promises, ARGV[5], id)
R('ZADD', $promised, now, id)
R('SADD', $openly .. number, id)
log('promised', 'callback', id)
return 'placed'
