-- The users that the load is spread over, and the header that every request carries.

wrk.headers["X-Account-Secret"] = os.getenv("BENCH_SECRET")

local users = {}
for line in io.lines(os.getenv("BENCH_USERS")) do
  users[#users + 1] = line
end

local run = tonumber(os.getenv("BENCH_RUN"))
math.randomseed(run)

return {
  run = run,
  any = function() return users[math.random(#users)] end,
}
