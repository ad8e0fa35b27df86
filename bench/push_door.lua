-- Pushes made beforehand, one a line: each thread of wrk sends its own share, and starts anew at its end.
local bodies, thread_count, mine = {}, 0, 0

function setup(thread)
  thread:set("number", thread_count)
  thread_count = thread_count + 1
end

function init(args)
  for line in io.lines(args[1]) do bodies[#bodies + 1] = line end
  mine = math.floor(#bodies * number / tonumber(args[2]))
  wrk.headers["Content-Type"] = "application/json"
end

function request()
  mine = mine % #bodies + 1
  return wrk.format("POST", nil, nil, bodies[mine])
end

function done(summary, latency, requests)
  local bad = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout
  print(string.format("FOUND %d %d %d %f", summary.requests, summary.duration, bad, latency:percentile(99)))
end
