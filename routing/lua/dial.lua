-- ARGV: now, id, dial token, lease seconds. Begins the one dial that may be in progress. Returns the attempt's number, or false.
local id = ARGV[2]
local p = R('HMGET', $promise .. id, 'state', 'dial', 'attempts')
if p[1] == 'dialling' and p[2] == ARGV[3] then return tonumber(p[3]) end
if p[1] ~= 'waiting' then return false end
local attempt = R('HINCRBY', $promise .. id, 'attempts', 1)
R('HSET', $promise .. id, 'state', 'dialling', 'dial', ARGV[3], 'leg', '', 'changed_at', now)
R('ZADD', $promises, now + tonumber(ARGV[4]), id)
log('dial', 'callback', id, 'attempt', attempt)
return attempt
