-- Reads by uid and single upserts of users that exist, by turns.

local users = dofile(os.getenv("BENCH_LUA") .. "/users.lua")

local body = '{"uid":"%s","plan":"gold","seats":%d,"role":"admin","last_login_at":"2029-04-29T09:00:00Z"}'
local sent = 0

function request()
  sent = sent + 1
  if sent % 2 == 0 then
    return wrk.format("GET", "/v3/analyze/profile?uid=" .. users.any())
  end
  wrk.headers["Content-Type"] = "application/json"
  return wrk.format("POST", "/v3/observe/hooks/profiles", nil, body:format(users.any(), sent))
end
