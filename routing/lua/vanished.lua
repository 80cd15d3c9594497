-- ARGV: now, agent, reason. The agent's phone broke off. Returns as vanish.
return vanish(ARGV[2], ARGV[3], now)
