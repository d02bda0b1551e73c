-- Upserts that give a user an email which nobody had before.

local users = dofile(os.getenv("BENCH_LUA") .. "/users.lua")

wrk.method = "POST"
wrk.path = "/v3/observe/hooks/profiles"
wrk.headers["Content-Type"] = "application/json"

local body = '{"uid":"%s","email":"jane.%d.%d@chameleon.example"}'
local sent = 0

function request()
  sent = sent + 1
  return wrk.format(nil, nil, nil, body:format(users.any(), users.run, sent))
end
