-- Upserts that give a user an email: one in ten is one of 1,000 that somebody else may have, the others nobody had.

local users = dofile(os.getenv("BENCH_LUA") .. "/users.lua")

wrk.method = "POST"
wrk.path = "/v3/observe/hooks/profiles"
wrk.headers["Content-Type"] = "application/json"

local new = '{"uid":"%s","email":"jane.%d.%d@chameleon.example"}'
local wanted = '{"uid":"%s","email":"wanted.%d@chameleon.example"}'
local sent = 0

function request()
  sent = sent + 1
  if sent % 10 == 0 then
    return wrk.format(nil, nil, nil, wanted:format(users.any(), math.random(1000)))
  end
  return wrk.format(nil, nil, nil, new:format(users.any(), users.run, sent))
end
