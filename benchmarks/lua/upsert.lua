-- Single upserts of users that exist; a counter makes every body new.

local users = dofile(os.getenv("BENCH_LUA") .. "/users.lua")

wrk.method = "POST"
wrk.path = "/v3/observe/hooks/profiles"
wrk.headers["Content-Type"] = "application/json"

local body = '{"uid":"%s","plan":"gold","seats":%d,"role":"admin","last_login_at":"2029-04-29T09:00:00Z"}'
local sent = 0

function request()
  sent = sent + 1
  return wrk.format(nil, nil, nil, body:format(users.any(), sent))
end
