-- ARGV: now, signature, then pairs (agent, fixed standing or '': not to be in it). Repeated calls change nothing.
for index = 3, #ARGV, 2 do
  local agent = ARGV[index]
  if R('EXISTS', $agent .. agent) == 1 and join(agent, ARGV[2], ARGV[index + 1]) then relist(agent) end
end
return 1
