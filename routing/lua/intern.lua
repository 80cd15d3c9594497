-- ARGV: now, content, id, json. Returns the signature's id, with '+' at its end once all agents have joined.
R('HSETNX', $signatures, ARGV[2], ARGV[3])
local id = R('HGET', $signatures, ARGV[2])
local bare = string.gsub(id, '%+$', '')
R('HSETNX', $config, 's:' .. bare, ARGV[4])
R('ZADD', $used, 'NX', now, bare)
return id
