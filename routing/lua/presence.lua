-- ARGV: now, agent, presence, reason, epoch or '', only from (space-separated presences, '' any). Returns {code}: done | stale | not_from | unknown.
local agent = ARGV[2]
local f = R('HMGET', $agent .. agent, 'presence', 'epoch')
if not f[1] then return 'unknown' end
if ARGV[5] ~= '' and ARGV[5] ~= f[2] then return 'stale' end
if ARGV[6] ~= '' and not string.find(' ' .. ARGV[6] .. ' ', ' ' .. f[1] .. ' ', 1, true) then return 'not_from' end
set_presence(agent, ARGV[3], ARGV[4])
return 'done'
