-- ARGV: now, content, id, version. All agents of this version of the configuration have joined the signature.
if (R('HGET', $config, 'version') or '0') ~= ARGV[4] then return 0 end
if R('HGET', $signatures, ARGV[2]) == ARGV[3] then R('HSET', $signatures, ARGV[2], ARGV[3] .. '+') end
return 1
