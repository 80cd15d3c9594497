-- Keeps a waiting call in the sets of its opened signatures, exactly while it wants (another) agent.
local function words(text)
  if text and text ~= '' and not string.find(text, ' ', 1, true) then return { text } end
  local found = {}
  for word in string.gmatch(text or '', '%S+') do found[#found + 1] = word end
  return found
end

local function wait_out(call, opened)
  for _, signature in ipairs(opened) do
    R('ZREM', $waiting .. signature, call)
    if R('EXISTS', $waiting .. signature) == 0 then R('SREM', $busy, signature) end
  end
end

local function wait_in(call, opened, place)
  for _, signature in ipairs(words(opened)) do
    R('ZADD', $waiting .. signature, place, call)
    R('SADD', $busy, signature)
  end
  touch('c' .. call)
end

-- The call waits no longer: accepted, or gone. Its own hash stays for an hour, for the way back into the old place.
local function unlist(call, queue, opened, hoped, rings)
  wait_out(call, words(opened))
  R('ZREM', $queue .. queue, call)
  R('ZREM', $all, call)
  R('ZREM', $overdue, call)
  R('ZREM', $alive, call)
  R('ZREM', $touched, 'c' .. call)
  for _, signature in ipairs(words(hoped)) do R('SREM', $hoping .. signature, call) end
  for _, ring in ipairs(words(rings)) do R('ZREM', $rings, call .. '|' .. ring) end
  R('EXPIRE', $call .. call, 3600)
end
