-- Reads by uid of users that exist.

local users = dofile(os.getenv("BENCH_LUA") .. "/users.lua")

function request()
  return wrk.format("GET", "/v3/analyze/profile?uid=" .. users.any())
end
