-- ARGV: now, queue, json ('' where it is no longer configured).
if ARGV[3] == '' then R('HDEL', $config, 'q:' .. ARGV[2]) else R('HSET', $config, 'q:' .. ARGV[2], ARGV[3]) end
log('queue', 'queue', ARGV[2], 'json', ARGV[3])
return 1
