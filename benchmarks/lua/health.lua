-- GET /health: what the service answers without looking at anything.

dofile(os.getenv("BENCH_LUA") .. "/users.lua")

function request()
  return wrk.format("GET", "/health")
end
